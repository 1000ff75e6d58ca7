//! A call that takes no query refuses one: who sends `?dry_run=true` to a call that knows no
//! dry run hears so before anything is written. Calls that take one refuse what they do not
//! know themselves, as bodies do.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::api::BASE;
use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Operation, ParameterIn},
};

use super::failure::Failure;

/// The calls that take no query, by method and path, from their description.
#[derive(Clone)]
pub struct Unqueried(Arc<BTreeSet<(Method, String)>>);

impl Unqueried {
    pub fn of(document: &OpenApi) -> Unqueried {
        let mut calls = BTreeSet::new();
        for (path, item) in &document.paths.paths {
            let all = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::PATCH, &item.patch),
            ];
            // What monitors ask beside the API may be asked with anything.
            for (method, call) in all.into_iter().filter(|_| path.starts_with(BASE)) {
                if call.as_ref().is_some_and(|call| !takes_query(call)) {
                    calls.insert((method, path.clone()));
                }
            }
        }
        Unqueried(Arc::new(calls))
    }
}

fn takes_query(call: &Operation) -> bool {
    let mut parameters = call.parameters.iter().flatten();
    parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        // Nothing here describes a parameter elsewhere; one would be some call's query.
        RefOr::Ref(_) => true,
    })
}

/// Answers a query that the call does not take.
pub async fn refuse(State(calls): State<Unqueried>, request: Request, next: Next) -> Response {
    let query = request.uri().query().filter(|query| !query.is_empty());
    let path = request.extensions().get::<MatchedPath>();
    if let (Some(query), Some(path)) = (query, path) {
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        if calls.0.contains(&(method, path.as_str().to_owned())) {
            let field = query.split(['=', '&']).next().unwrap_or_default();
            return Failure::invalid(format!("this call takes no query, and so no `{field}`"))
                .hint("see /api/v1/openapi.json")
                .into_response();
        }
    }
    next.run(request).await
}
