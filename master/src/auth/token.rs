//! API tokens: made once, shown once, revoked by name.

use shared::{
    api::TokenView,
    host::Host,
    id::TokenName,
    job::Author,
    keys,
    store::{Compare, DynStore, Outcome, Txn, Write},
};

use super::{
    ADMIN, Accounts, AuthError, Caller, Token,
    accounts::seen,
    secret::{self, TOKEN_PREFIX},
    session::put,
};

/// How many tokens there may be.
pub const TOKENS_MAX: usize = 1000;

impl Accounts {
    /// All tokens by name, without their secrets.
    pub fn tokens(&self) -> Vec<TokenView> {
        let tokens = self.0.tokens.snapshot();
        tokens.iter().map(|(_, entry)| view(&entry.value, None)).collect()
    }

    /// Makes a token for the caller's user; the secret is in the answer and nowhere else.
    pub async fn create_token(&self, caller: &Caller, name: TokenName) -> Result<TokenView, AuthError> {
        let Some(user) = caller.user() else {
            return Err(AuthError::Invalid("an agent makes no tokens".into()));
        };
        if self.0.tokens.snapshot().len() >= TOKENS_MAX {
            return Err(AuthError::Invalid(format!(
                "there are {TOKENS_MAX} tokens, the most there may be; revoke one"
            )));
        }
        let secret = format!("{TOKEN_PREFIX}{}", secret::random(&self.0.host));
        let key = keys::token(&name);
        let token = Token {
            user: user.clone(),
            secret_sha256: secret::sha256(&secret),
            created: caller.author(self.0.host.now()),
            name,
        };
        let txn = Txn {
            compares: vec![Compare::CreateRevision(key.clone(), 0)],
            writes: vec![put(key, &token)?],
        };
        match self.0.store.txn(txn).await? {
            Outcome::Committed(revision) => {
                seen(&self.0.tokens, revision).await;
                Ok(view(&token, Some(secret)))
            }
            Outcome::Refused(_) => Err(AuthError::TokenExists(token.name)),
        }
    }

    /// Revokes a token: at every master as soon as its mirror hears of it.
    pub async fn revoke_token(&self, name: TokenName) -> Result<(), AuthError> {
        let key = keys::token(&name);
        let Some(stored) = self.0.store.get(&key).await? else {
            return Err(AuthError::NoToken(name));
        };
        let txn = Txn {
            compares: vec![Compare::ModRevision(key.clone(), stored.mod_revision)],
            writes: vec![Write::Delete { key }],
        };
        match self.0.store.txn(txn).await? {
            Outcome::Committed(revision) => {
                seen(&self.0.tokens, revision).await;
                Ok(())
            }
            Outcome::Refused(_) => Err(AuthError::Raced),
        }
    }
}

/// Makes a token of the user `admin`, in place of one of the same name, asking nobody: for
/// who holds the store itself, as `gnomon standalone` does. Returns its secret.
pub async fn issue_token(store: &DynStore, host: &Host, name: TokenName) -> Result<String, AuthError> {
    let secret = format!("{TOKEN_PREFIX}{}", secret::random(host));
    let user = ADMIN.parse().map_err(AuthError::Invalid)?;
    let created = Author {
        by: ADMIN.to_owned(),
        at: host.now(),
    };
    let token = Token {
        user,
        secret_sha256: secret::sha256(&secret),
        created,
        name,
    };
    let txn = Txn {
        compares: Vec::new(),
        writes: vec![put(keys::token(&token.name), &token)?],
    };
    store.txn(txn).await?;
    Ok(secret)
}

fn view(token: &Token, secret: Option<String>) -> TokenView {
    TokenView {
        name: token.name.to_string(),
        created: token.created.clone(),
        secret,
    }
}
