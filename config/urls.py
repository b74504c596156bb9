"""Every route: the admin, the API under both prefixes, the probes."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
