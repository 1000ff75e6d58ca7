//! The listener: plain and TLS, a taken port, a graceful end.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use master::http::{Listen, ServeError, Server, Tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};

use crate::api::Api;

fn anywhere(tls: Option<Tls>) -> Listen {
    Listen {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls,
    }
}

/// A certificate for 127.0.0.1 and its key, for tests only.
fn files() -> (tempfile::TempDir, Tls) {
    let dir = tempfile::tempdir().unwrap();
    let tls = Tls {
        certificate: dir.path().join("cert.pem"),
        key: dir.path().join("key.pem"),
    };
    std::fs::write(&tls.certificate, include_str!("cert.pem")).unwrap();
    std::fs::write(&tls.key, include_str!("key.pem")).unwrap();
    (dir, tls)
}

async fn serve(
    api: &Api,
    tls: Option<Tls>,
) -> (
    SocketAddr,
    oneshot::Sender<()>,
    tokio::task::JoinHandle<Result<(), ServeError>>,
) {
    let server = Server::bind(&anywhere(tls)).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = api.app.clone();
    let task = tokio::spawn(server.run(app, async move { drop(stopped.await) }));
    (address, stop, task)
}

#[tokio::test]
async fn it_serves_and_ends_with_its_streams() {
    let api = Api::start().await;
    let (address, stop, task) = serve(&api, None).await;
    let client = reqwest_client(None);
    let health = client
        .get(format!("http://{address}/healthz"))
        .send()
        .await
        .unwrap();
    assert_eq!(health.text().await.unwrap(), "ok\n");
    let events = client
        .get(format!("http://{address}/api/v1/events"))
        .bearer_auth(&api.token)
        .send()
        .await
        .unwrap();
    assert_eq!(events.status(), 200);
    stop.send(()).unwrap();
    // The open stream does not hold it up.
    timeout(Duration::from_secs(8), task)
        .await
        .expect("it ends")
        .unwrap()
        .unwrap();
    let _ = events.bytes().await;
    assert!(
        client
            .get(format!("http://{address}/healthz"))
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn it_serves_tls() {
    let api = Api::start().await;
    let (_dir, tls) = files();
    let (address, _stop, _task) = serve(&api, Some(tls)).await;
    let client = reqwest_client(Some(include_bytes!("cert.pem")));
    let health = client
        .get(format!("https://{address}/healthz"))
        .send()
        .await
        .unwrap();
    assert_eq!(health.text().await.unwrap(), "ok\n");
    // Somebody who does not trust it is not served, and somebody without TLS neither.
    assert!(
        reqwest_client(None)
            .get(format!("https://{address}/healthz"))
            .send()
            .await
            .is_err()
    );
    assert!(
        reqwest_client(None)
            .get(format!("http://{address}/healthz"))
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_in_the_way_is_said() {
    let first = Server::bind(&anywhere(None)).await.unwrap();
    let taken = Listen {
        address: first.address(),
        tls: None,
    };
    let error = Server::bind(&taken).await.err().unwrap();
    assert!(matches!(error, ServeError::Taken { .. }));
    assert!(
        error.to_string().contains("another process already does"),
        "{error}"
    );

    let (_dir, tls) = files();
    let missing = Tls {
        certificate: PathBuf::from("/nowhere/cert.pem"),
        ..tls.clone()
    };
    let error = Server::bind(&anywhere(Some(missing))).await.err().unwrap();
    assert!(error.to_string().contains("/nowhere/cert.pem"), "{error}");
    std::fs::write(&tls.key, "not a key").unwrap();
    assert!(matches!(
        Server::bind(&anywhere(Some(tls))).await,
        Err(ServeError::Tls { .. })
    ));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_over_a_real_connection() {
    let api = Api::start().await;
    let (address, _stop, _task) = serve(&api, None).await;
    let body = vec![b' '; 12 << 20];
    let request = reqwest_client(None)
        .post(format!("http://{address}/api/v1/apply"))
        .bearer_auth(&api.token);
    let answer = request
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 413);
    assert!(answer.text().await.unwrap().contains("too_large"));
}

#[tokio::test]
async fn nonsense_on_the_wire_harms_nobody() {
    let api = Api::start().await;
    let (address, _stop, _task) = serve(&api, None).await;
    for bytes in [
        &b"\x16\x03\x01\x00\xff"[..],
        b"GET /\r\n\r\n",
        b"POST /api/v1/apply HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
            .await
            .expect("it ends the connection");
    }
    let health = reqwest_client(None)
        .get(format!("http://{address}/healthz"))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
}

fn reqwest_client(trusted: Option<&[u8]>) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20));
    if let Some(pem) = trusted {
        builder = builder.tls_certs_only([reqwest::Certificate::from_pem(pem).unwrap()]);
    }
    builder.build().unwrap()
}
