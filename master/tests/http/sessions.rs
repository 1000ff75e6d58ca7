//! Logins, tokens, and what keeps strangers and other sites out.

use axum::http::{Method, header};
use serde_json::json;

use crate::api::{Api, call};
use master::auth::{AuthError, ensure_admin, reset_admin};
use shared::{keys, store::Write, store::embedded::Embedded};

#[tokio::test]
async fn a_fresh_instance_makes_one_admin() {
    let api = Api::start().await;
    assert_eq!(api.password.len(), 23);
    let host = shared::host::Host::system();
    assert_eq!(ensure_admin(&api.store, &host).await.unwrap(), None);
    // Two masters that start together make one.
    let store: shared::store::DynStore = std::sync::Arc::new(Embedded::memory());
    let (a, b) = tokio::join!(ensure_admin(&store, &host), ensure_admin(&store, &host));
    assert_eq!([a.unwrap(), b.unwrap()].iter().flatten().count(), 1);
    // Nothing in the store is the password itself.
    let all = api.store.snapshot("").await.unwrap();
    for kv in all.kvs {
        assert!(
            !String::from_utf8_lossy(&kv.value).contains(&api.password),
            "{}",
            kv.key
        );
        assert!(
            !String::from_utf8_lossy(&kv.value).contains(&api.token),
            "{}",
            kv.key
        );
    }
}

#[tokio::test]
async fn a_session_reads_freely_and_writes_with_its_token() {
    let api = Api::start().await;
    let answer = api
        .send(call(Method::POST, "/login").json(json!({"user": "admin", "password": api.password})))
        .await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800"),
        "{cookie}"
    );
    let session = api.login().await;
    let who = api
        .send(call(Method::GET, "/whoami").header("cookie", &session.cookie))
        .await;
    assert_eq!(
        (who.value["user"].as_str(), who.value["csrf"].as_str()),
        (Some("admin"), Some(session.csrf.as_str()))
    );

    let write = || {
        call(Method::POST, "/tokens")
            .header("cookie", &session.cookie)
            .json(json!({"name": "ci"}))
    };
    api.send(write()).await.fails(403, "forbidden");
    api.send(write().header("x-gnomon-csrf", ""))
        .await
        .fails(403, "forbidden");
    let other = api.login().await;
    api.send(write().header("x-gnomon-csrf", &other.csrf))
        .await
        .fails(403, "forbidden");
    assert_eq!(
        api.send(write().header("x-gnomon-csrf", &session.csrf))
            .await
            .status,
        201
    );

    let out = api.send(session.over(Method::POST, "/logout")).await;
    assert_eq!(out.status, 204);
    assert!(
        out.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    api.send(session.over(Method::GET, "/whoami"))
        .await
        .fails(401, "unauthenticated");
    assert_eq!(api.send(other.over(Method::GET, "/whoami")).await.status, 200);
}

#[tokio::test]
async fn a_reset_password_lets_only_its_owner_in() {
    let api = Api::start().await;
    let host = shared::host::Host::system();
    let session = api.login().await;
    let password = reset_admin(&api.store, &host).await.unwrap();
    while api.send(session.over(Method::GET, "/whoami")).await.status != 401 {
        tokio::task::yield_now().await;
    }
    let login =
        |password: &str| call(Method::POST, "/login").json(json!({"user": "admin", "password": password}));
    api.send(login(&api.password)).await.fails(401, "unauthenticated");
    assert_eq!(api.send(login(&password)).await.status, 200);
    // Programs go on.
    assert_eq!(api.get("/whoami").await.status, 200);

    let empty: shared::store::DynStore = std::sync::Arc::new(Embedded::memory());
    let none = reset_admin(&empty, &host).await;
    assert!(matches!(none, Err(AuthError::NoUser(_))), "{none:?}");
    assert!(empty.snapshot("").await.unwrap().kvs.is_empty());
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let api = Api::start().await;
    let session = api.login().await;
    api.wall
        .set(crate::api::NOW + std::time::Duration::from_secs(7 * 86_400 - 1));
    assert_eq!(api.send(session.over(Method::GET, "/whoami")).await.status, 200);
    api.wall
        .set(crate::api::NOW + std::time::Duration::from_secs(7 * 86_400));
    api.send(session.over(Method::GET, "/whoami"))
        .await
        .fails(401, "unauthenticated");
    // The next login clears it away.
    let before = api.store.snapshot(keys::SESSIONS).await.unwrap().kvs.len();
    api.login().await;
    assert_eq!(
        (
            before,
            api.store.snapshot(keys::SESSIONS).await.unwrap().kvs.len()
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn failed_logins_cost_time() {
    let api = Api::start().await;
    let wrong = |user: &str| call(Method::POST, "/login").json(json!({"user": user, "password": "wrong"}));
    for user in ["admin", "nobody", "", "a b"] {
        let answer = api.send(wrong(user)).await;
        assert_eq!(
            answer.fails(401, "unauthenticated"),
            "the user name or the password is wrong",
            "{user}"
        );
    }
    for _ in 0..4 {
        api.send(wrong("admin")).await.fails(401, "unauthenticated");
    }
    let answer = api.send(wrong("admin")).await;
    answer.fails(429, "too_many");
    assert!(
        answer.headers[header::RETRY_AFTER]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    // Even the right password has to wait.
    let right = call(Method::POST, "/login").json(json!({"user": "admin", "password": api.password}));
    api.send(right).await.fails(429, "too_many");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let api = Api::start().await;
    let (mine, other) = (api.login().await, api.login().await);
    let change = |current: &str, new: &str| {
        mine.over(Method::POST, "/password")
            .json(json!({"current": current, "new": new}))
    };
    assert!(
        api.send(change("wrong", "long enough now"))
            .await
            .fails(422, "invalid")
            .starts_with("current: ")
    );
    assert!(
        api.send(change(&api.password, "short"))
            .await
            .fails(422, "invalid")
            .starts_with("new: ")
    );
    assert_eq!(
        api.send(change(&api.password, "correct horse battery"))
            .await
            .status,
        204
    );
    assert_eq!(api.send(mine.over(Method::GET, "/whoami")).await.status, 200);
    api.send(other.over(Method::GET, "/whoami"))
        .await
        .fails(401, "unauthenticated");
    let login =
        |password: &str| call(Method::POST, "/login").json(json!({"user": "admin", "password": password}));
    api.send(login(&api.password)).await.fails(401, "unauthenticated");
    assert_eq!(api.send(login("correct horse battery")).await.status, 200);
    // A token is revoked by name, not by a password.
    assert_eq!(api.get("/whoami").await.status, 200);
}

#[tokio::test]
async fn no_login_with_the_old_password_outlasts_it() {
    let api = Api::start().await;
    let other = api.beside().await;
    let mine = api.login().await;
    let old = api.password.clone();
    let login =
        |password: &str| call(Method::POST, "/login").json(json!({"user": "admin", "password": password}));
    let change = |current: &str, new: &str| {
        mine.over(Method::POST, "/password")
            .json(json!({"current": current, "new": new}))
    };

    // The old one is checked, then changed, then the session would begin.
    let held = api.hold.next(keys::SESSIONS);
    let changed = async { other.send(change(&old, "correct horse battery")).await.status };
    let (late, changed) = tokio::join!(api.send(login(&old)), held.meanwhile(changed));
    assert_eq!(changed, 204);
    late.fails(401, "unauthenticated");
    // Changed, but not the password: it is checked anew.
    let held = api.hold.next(keys::SESSIONS);
    let key = keys::user(&"admin".parse().unwrap());
    let again = async {
        let value = api.store.get(&key).await.unwrap().unwrap().value;
        let (key, lease) = (key.clone(), None);
        api.write(Write::Put { key, value, lease }).await;
    };
    let (answer, ()) = tokio::join!(api.send(login("correct horse battery")), held.meanwhile(again));
    assert_eq!(answer.status, 200);

    // A session begins after the change has looked for those to end.
    let held = api.hold.next(keys::USERS);
    let begun = api.login_with("correct horse battery");
    let (answer, begun) = tokio::join!(
        api.send(change("correct horse battery", "another horse")),
        held.meanwhile(begun)
    );
    assert_eq!(answer.status, 204);
    api.send(begun.over(Method::GET, "/whoami"))
        .await
        .fails(401, "unauthenticated");
    assert_eq!(api.send(mine.over(Method::GET, "/whoami")).await.status, 200);

    // The same for a password that is made anew on the host.
    let held = api.hold.next(keys::USERS);
    let host = shared::host::Host::system();
    let store: shared::store::DynStore = api.hold.clone();
    let (reset, begun) = tokio::join!(
        reset_admin(&store, &host),
        held.meanwhile(api.login_with("another horse"))
    );
    reset.unwrap();
    let ends = async {
        while api.send(begun.over(Method::GET, "/whoami")).await.status != 401 {
            tokio::task::yield_now().await;
        }
    };
    let end = tokio::time::timeout(std::time::Duration::from_secs(60), ends).await;
    end.expect("the session ends");
}

#[tokio::test]
async fn more_sessions_than_a_transaction_holds_end_with_the_password() {
    let api = Api::start().await;
    let session = master::auth::Session {
        user: "admin".parse().unwrap(),
        created_at: crate::api::NOW,
        expires_at: crate::api::NOW + master::auth::SESSION_LIFE,
    };
    for n in 0..250 {
        api.store(keys::session(&format!("{n:064}")), &session).await;
    }
    let mine = api.login().await;
    let change = json!({"current": api.password, "new": "correct horse battery"});
    let answer = api.send(mine.over(Method::POST, "/password").json(change)).await;
    assert_eq!(answer.status, 204);
    let left = api.store.snapshot(keys::SESSIONS).await.unwrap().kvs;
    assert_eq!(left.len(), 1);
    assert_eq!(api.send(mine.over(Method::GET, "/whoami")).await.status, 200);
}

#[tokio::test]
async fn tokens_are_shown_once_and_revoked_by_name() {
    let api = Api::start().await;
    let made = api.post("/tokens", json!({"name": "ci"})).await;
    assert_eq!(made.status, 201);
    let secret = made.value["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("gnomon_") && secret.len() == 50, "{secret}");
    assert_eq!(made.value["created"]["by"], "admin (token tests)");
    api.post("/tokens", json!({"name": "ci"}))
        .await
        .fails(409, "conflict");
    assert!(
        api.post("/tokens", json!({"name": "a b"}))
            .await
            .fails(422, "invalid")
            .starts_with("name: ")
    );

    let listed = api.get("/tokens").await;
    assert_eq!(listed.value.as_array().unwrap().len(), 2);
    assert!(!listed.text().contains("secret"));

    let with =
        |secret: &str| call(Method::GET, "/whoami").header("authorization", &format!("Bearer {secret}"));
    assert_eq!(api.send(with(&secret)).await.value["token"], "ci");
    assert_eq!(api.delete("/tokens/ci").await.status, 204);
    api.send(with(&secret)).await.fails(401, "unauthenticated");
    api.delete("/tokens/ci").await.fails(404, "not_found");
}

#[tokio::test]
async fn a_token_ends_at_every_master_and_with_its_user() {
    let embedded = Embedded::memory();
    let a = Api::on(embedded.clone()).await;
    let b = Api::on(embedded).await;
    let with =
        |secret: &str| call(Method::GET, "/whoami").header("authorization", &format!("Bearer {secret}"));
    // What one master made is good at the other one.
    assert_eq!(b.send(with(&a.token)).await.status, 200);
    a.delete("/tokens/tests").await;
    tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while b.send(with(&a.token)).await.status != 401 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the other master hears of it");

    let made = b.login_with(&a.password).await;
    a.write(Write::Delete {
        key: keys::user(&"admin".parse().unwrap()),
    })
    .await;
    tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while b.send(made.over(Method::GET, "/whoami")).await.status != 401 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a user who is gone takes the sessions along");
}

#[tokio::test]
async fn known_credentials_work_while_the_store_is_down() {
    let api = Api::start().await;
    let session = api.login().await;
    api.job(json!({"name": "a", "run": {"shell": "true"}})).await;
    api.client.cut();
    assert_eq!(api.get("/whoami").await.status, 200);
    assert_eq!(api.send(session.over(Method::GET, "/whoami")).await.status, 200);
    assert_eq!(api.get("/jobs").await.value["items"].as_array().unwrap().len(), 1);
    let status = api.get("/status").await;
    assert_eq!(
        (
            status.value["store"]["ok"].as_bool(),
            status.value["database"]["ok"].as_bool()
        ),
        (Some(false), Some(true))
    );
    // What changes something says that it could not.
    let answer = api.post("/tokens", json!({"name": "ci"})).await;
    answer.fails(503, "unavailable");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    api.put("/jobs/default/b", json!({"name": "b", "run": {"shell": "true"}}))
        .await
        .fails(503, "unavailable");
}
