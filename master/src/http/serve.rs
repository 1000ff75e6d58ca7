//! The listener: plain HTTP or TLS, a bounded number of connections, a graceful end.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum_server::{
    Handle,
    accept::Accept,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
};

use super::{
    App,
    limits::{Gate, HEADERS_TIMEOUT},
    router,
};

/// How long requests that are worked on may take to end when the master stops.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Listen {
    pub address: SocketAddr,
    pub tls: Option<Tls>,
}

/// PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: another process already does; stop it or give another --listen")]
    Taken { address: SocketAddr },
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot use the certificate {certificate} with the key {key}: {source}")]
    Tls {
        certificate: PathBuf,
        key: PathBuf,
        source: io::Error,
    },
    #[error("serving HTTP failed: {0}")]
    Serve(#[source] io::Error),
}

/// A bound listener that does not serve yet: its address can be told to others first.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
}

impl Server {
    /// Binds the address and reads the certificate.
    pub async fn bind(listen: &Listen) -> Result<Server, ServeError> {
        let address = listen.address;
        let wrong = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::Taken { address },
            _ => ServeError::Listen { address, source },
        };
        let tls = match &listen.tls {
            Some(tls) => Some(certificate(tls).await?),
            None => None,
        };
        let listener = TcpListener::bind(address).map_err(wrong)?;
        listener.set_nonblocking(true).map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        Ok(Server {
            listener,
            address,
            tls,
        })
    }

    /// The address that is listened on, with the port that was found for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` returns; then takes no more, ends the streams, and lets what is
    /// worked on end within [`SHUTDOWN_TIMEOUT`].
    pub async fn run(self, app: App, stop: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let handle = Handle::new();
        let gate = Seats {
            gate: app.gates.connections.clone(),
        };
        let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let mut plain = axum_server::from_tcp(self.listener)
            .map_err(ServeError::Serve)?
            .handle(handle.clone());
        plain
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_TIMEOUT);
        plain
            .http_builder()
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128);
        let serve: Pin<Box<dyn Future<Output = io::Result<()>> + Send>> = match self.tls {
            Some(config) => Box::pin(
                plain
                    .acceptor(RustlsAcceptor::new(config).acceptor(gate))
                    .serve(service),
            ),
            None => Box::pin(plain.acceptor(gate).serve(service)),
        };
        let mut serve = serve;
        tokio::select! {
            done = &mut serve => return done.map_err(ServeError::Serve),
            () = stop => {}
        }
        app.close();
        handle.graceful_shutdown(Some(SHUTDOWN_TIMEOUT));
        serve.await.map_err(ServeError::Serve)
    }
}

async fn certificate(tls: &Tls) -> Result<RustlsConfig, ServeError> {
    // A second installation changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    RustlsConfig::from_pem_file(&tls.certificate, &tls.key)
        .await
        .map_err(|source| ServeError::Tls {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            source,
        })
}

/// Gives each connection a seat, or closes it when all are taken.
#[derive(Clone)]
struct Seats {
    gate: Gate,
}

impl<S: Send + 'static> Accept<TcpStream, S> for Seats {
    type Stream = Seated;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Seated, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let seated = match self.gate.enter() {
            Some(seat) => stream
                .set_nodelay(true)
                .map(|()| (Seated { stream, _seat: seat }, service)),
            None => Err(io::Error::other("too many connections")),
        };
        std::future::ready(seated)
    }
}

/// A connection with its seat.
struct Seated {
    stream: TcpStream,
    _seat: OwnedSemaphorePermit,
}

impl AsyncRead for Seated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
