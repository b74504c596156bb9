"""How the published schema is made: drf-spectacular's settings."""

SETTINGS = {
    "TITLE": "Waxwing",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,  # requests are stricter than answers
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {  # of fields that more than one shape has
        "StatusEnum": "messaging.models.MessageStatus.values",
        "StateEnum": ["blocked", "waiting", "active", "completed", "failed", "cancelled"],
    },
    "GET_LIB_DOC_EXCLUDES": "messaging.api.openapi.undescribed",
    "PREPROCESSING_HOOKS": ["messaging.api.openapi.one_prefix"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "messaging.api.openapi.as_strict_as_we_are",
        "messaging.api.openapi.limited",
        "messaging.api.openapi.one_problem",
        "messaging.api.openapi.camel_case_paths",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
