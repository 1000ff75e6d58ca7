//! The description of the API, made from the code of the calls.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use shared::{
    api::{ErrorBody, SESSION_COOKIE, paths, timeline::LaneBy},
    history::{Step, SumBy},
    report::Stream,
};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, ResponseBuilder,
        schema::Schema,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{failure::Failure, output::Format};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| super::description().to_json().unwrap_or_default());

/// The OpenAPI description of this API.
#[utoipa::path(get, path = paths::OPENAPI, tag = "status", responses((status = 200, body = serde_json::Value)))]
pub async fn get() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// What stands before the calls.
pub fn head() -> OpenApi {
    let about = "Distributed cron: jobs, runs, nodes. Errors are `{\"error\": {code, message, hint, field}}`; lists \
                 page by `cursor`; writes take `If-Match: <revision>`. A write with a session's cookie repeats the \
                 session's token in the header `x-gnomon-csrf`.";
    let info = InfoBuilder::new()
        .title("Gnomon")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about))
        .build();
    let none = Vec::<String>::new;
    let mut document = OpenApiBuilder::new()
        .info(info)
        .security(Some([
            SecurityRequirement::new("token", none()),
            SecurityRequirement::new("session", none()),
        ]))
        .build();
    let mut components = document.components.take().unwrap_or_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token, or an agent's credential."))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE))),
    );
    document.components = Some(components);
    document
}

/// Any answer that is not a success.
impl utoipa::IntoResponses for Failure {
    fn responses() -> std::collections::BTreeMap<String, RefOr<utoipa::openapi::response::Response>> {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ErrorBody")))
            .build();
        let response = ResponseBuilder::new()
            .description("What went wrong, and what to do")
            .content("application/json", content);
        [("default".to_owned(), RefOr::T(response.build()))].into()
    }
}

/// Adds the schemas that only errors and queries name.
pub fn complete(document: &mut OpenApi) {
    fn of<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(all);
        all.push((T::name().into_owned(), T::schema()));
    }
    let mut all = Vec::new();
    of::<ErrorBody>(&mut all);
    of::<Format>(&mut all);
    of::<Stream>(&mut all);
    of::<Step>(&mut all);
    of::<SumBy>(&mut all);
    of::<LaneBy>(&mut all);
    document.components.get_or_insert_default().schemas.extend(all);
    name_operations(document);
}

/// Calls are named after what they do to what: `get_jobs_namespace_name`.
fn name_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let parts = path
            .trim_start_matches(shared::api::BASE)
            .split(['/', '.'])
            .filter(|part| !part.is_empty());
        let what = parts
            .map(|part| part.trim_matches(['{', '}']))
            .collect::<Vec<_>>()
            .join("_");
        let PathItem {
            get,
            put,
            post,
            delete,
            patch,
            ..
        } = item;
        let all = [
            ("get", get),
            ("put", put),
            ("post", post),
            ("delete", delete),
            ("patch", patch),
        ];
        for (method, operation) in all {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{what}"));
            }
        }
    }
}
