"""Who is there from the beginning: run once against a fresh database, prints the ids by name.

python -m tests.system.people
"""

import json
import os

import django

PASSWORD = "correct horse battery staple"
CAST = ("alice", "bob", "carol", "dave", "erin", "eve")
CROWD = tuple(f"person{number}" for number in range(10))  # of the tests that break things
WITH_EMAIL = {"bob", "dave", "person1", "person6"}


def main() -> None:
    """Make the clinic with its people, another clinic with mallory, and an operator."""
    from config.testing import FastHasher
    from messaging.models import Tenant, User

    password = FastHasher().encode(PASSWORD, "salt")
    clinic = Tenant.objects.create(name="Clinic", slug="clinic", encryption="preferred")
    other = Tenant.objects.create(name="Other clinic", slug="other-clinic", encryption="preferred")
    tenants = dict.fromkeys(CAST + CROWD, clinic) | {"mallory": other}
    people = []
    for name, tenant in tenants.items():
        email = f"{name}@clinic.example" if name in WITH_EMAIL else ""
        people.append(User(username=name, tenant=tenant, email=email, password=password))
    User.objects.bulk_create(people)
    operator = User.objects.create_superuser("operator", None)
    User.objects.filter(pk=operator.pk).update(password=password)
    print(json.dumps({user.username: str(user.pk) for user in (*people, operator)}))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main()
