"""Every route: the admin, the API under both prefixes, the probes."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from messaging.api import problems
from messaging.api import urls as messaging
from queueing import urls as queueing

api = include([*messaging.urlpatterns, *queueing.urlpatterns])

urlpatterns = [
    *queueing.probes,
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema")),
    path("api/v1/", api),
    path("api/", api),  # the same views, for who came before there were versions (C6)
    path("problems/<slug:code>", problems.page),
]

handler400 = "messaging.api.errors.bad_request"
handler404 = "messaging.api.errors.page_not_found"
handler500 = "messaging.api.errors.server_error"
