"""The accounts with those who carry notifications outside; a channel without one reaches nobody."""

from config import env

APP_NAME = env.text("APP_NAME", "Waxwing")  # what notifications call the product
PUSH_STALE_DAYS = env.integer("PUSH_STALE_DAYS", 90, least=1)  # an app registers at each start
SMS_POLICY = env.text("SMS_POLICY", "urgent")  # urgent, always or off; a tenant may say otherwise

FCM = {
    "account": env.secret("FCM_SERVICE_ACCOUNT"),  # the JSON that Google hands out
    "url": env.text("FCM_URL", "https://fcm.googleapis.com").rstrip("/"),
}
APNS = {
    "key": env.secret("APNS_KEY"),  # the .p8 that Apple hands out
    "key_id": env.text("APNS_KEY_ID"),
    "team_id": env.text("APNS_TEAM_ID"),
    "topic": env.text("APNS_TOPIC"),  # the app's bundle id
    "url": env.text("APNS_URL", "https://api.push.apple.com").rstrip("/"),
}
TWILIO = {
    "account_sid": env.text("TWILIO_ACCOUNT_SID"),
    "auth_token": env.secret("TWILIO_AUTH_TOKEN"),
    "from": env.text("TWILIO_FROM"),  # a number, or a messaging service (MG…)
    "url": env.text("TWILIO_URL", "https://api.twilio.com").rstrip("/"),
}
PROVIDER_CA = env.text("PROVIDER_CA")  # PEM of an authority to trust besides the usual ones
