//! Passwords: argon2id, away from the async threads, a bounded number at once.

use std::sync::Arc;

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _, password_hash::SaltString};
use shared::host::Host;
use tokio::sync::Semaphore;

use super::AuthError;

/// A hash takes 19 MiB and a core for tens of milliseconds: so many at once.
const AT_ONCE: usize = 2;
/// So many may be at it or wait for it; one more is told to come back.
pub const WAITING_MAX: usize = 32;

/// The shortest password that a person may choose, in characters, and the longest.
pub const PASSWORD_MIN: usize = 10;
pub const PASSWORD_MAX: usize = 1024;

/// Hashes and checks passwords.
pub struct Passwords {
    seats: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
    /// Checked when there is no such user, so that the answer takes as long.
    nobody: tokio::sync::OnceCell<String>,
}

impl Passwords {
    pub fn new() -> Passwords {
        Passwords {
            seats: Arc::new(Semaphore::new(WAITING_MAX)),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: tokio::sync::OnceCell::new(),
        }
    }

    /// The password's hash as PHC text, with a salt of its own.
    pub async fn hash(&self, host: &Host, password: &str) -> Result<String, AuthError> {
        let salt = host.next_u128().to_le_bytes();
        let password = password.to_owned();
        self.work(move || hash(&password, &salt)).await?
    }

    /// Whether the password is the one that was hashed; never for a user who is not
    /// there (`None`), which takes as long.
    pub async fn check(&self, host: &Host, password: &str, phc: Option<&str>) -> Result<bool, AuthError> {
        let is_user = phc.is_some();
        let phc = match phc {
            Some(phc) => phc.to_owned(),
            None => self
                .nobody
                .get_or_try_init(|| self.hash(host, "nobody"))
                .await?
                .clone(),
        };
        let password = password.to_owned();
        let same = self.work(move || verify(&password, &phc)).await??;
        Ok(same && is_user)
    }

    /// How many are hashing or waiting to.
    pub fn busy(&self) -> usize {
        WAITING_MAX - self.seats.available_permits()
    }

    async fn work<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Result<T, AuthError> {
        let _seat = self.seats.try_acquire().map_err(|_| AuthError::Busy)?;
        let permit = self
            .at_once
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| AuthError::Busy)?;
        // The permit goes with the work: a caller that leaves does not make it cheaper.
        let work = tokio::task::spawn_blocking(move || {
            let done = f();
            drop(permit);
            done
        });
        work.await.map_err(|e| AuthError::Hash(e.to_string()))
    }
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords::new()
    }
}

fn hash(password: &str, salt: &[u8; 16]) -> Result<String, AuthError> {
    let wrong = |e: argon2::password_hash::Error| AuthError::Hash(e.to_string());
    let salt = SaltString::encode_b64(salt).map_err(wrong)?;
    let hash = Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(wrong)?;
    Ok(hash.to_string())
}

fn verify(password: &str, phc: &str) -> Result<bool, AuthError> {
    let wrong = |e: argon2::password_hash::Error| AuthError::Hash(e.to_string());
    let hash = PasswordHash::new(phc).map_err(wrong)?;
    match Argon2::default().verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(e) => Err(wrong(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_checked_and_a_missing_user_is_nobody() {
        let (host, passwords) = (Host::system(), Passwords::new());
        let phc = passwords.hash(&host, "correct horse").await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(
            phc,
            passwords.hash(&host, "correct horse").await.unwrap(),
            "each has a salt of its own"
        );
        assert!(passwords.check(&host, "correct horse", Some(&phc)).await.unwrap());
        assert!(
            !passwords
                .check(&host, "battery staple", Some(&phc))
                .await
                .unwrap()
        );
        assert!(!passwords.check(&host, "nobody", None).await.unwrap());
        assert_eq!(passwords.busy(), 0);
    }

    #[tokio::test]
    async fn too_many_at_once_are_sent_away() {
        let (host, passwords) = (Host::system(), Passwords::new());
        let seats = passwords
            .seats
            .clone()
            .acquire_many_owned(WAITING_MAX as u32)
            .await
            .unwrap();
        assert!(matches!(passwords.hash(&host, "x").await, Err(AuthError::Busy)));
        drop(seats);
        assert!(passwords.hash(&host, "x").await.is_ok());
    }
}
