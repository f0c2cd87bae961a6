//! Who is asking: merchants and the API keys that speak for them, kept in the store, remembered in this process.

use super::limits::PortClock;
use dashmap::DashMap;
use gateway_core::id::{ApiKeyId, MerchantId};
use gateway_core::journal::{Batch, CommitError, Journal, Row, RowKey, StoreError, Urgency};
use gateway_core::ports::{Clock, Ids, Random};
use gateway_core::record::{ApiKey, KeyKind, Merchant};
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use std::sync::Arc;
use std::time::Duration;

/// Whoever sent a request, known by their key.
#[derive(Debug, Clone)]
pub struct Caller {
    pub tenant: Tenant,
    pub key_id: ApiKeyId,
    pub kind: KeyKind,
    pub scopes: Arc<[String]>,
    pub merchant: Arc<Merchant>,
    pub revoked: Option<Timestamp>,
}

/// Unknown hashes are asked of the store at most this often a second, so that guessing costs it nothing.
const LOOKUPS_A_SECOND: u32 = 200;

type Lookups = governor::RateLimiter<NotKeyed, InMemoryState, PortClock, NoOpMiddleware<Duration>>;

/// The merchants and keys that this process has seen.
pub struct Merchants {
    journal: Arc<dyn Journal>,
    by_hash: DashMap<[u8; 32], Caller>,
    by_id: DashMap<MerchantId, Arc<Merchant>>,
    lookups: Lookups,
}

/// A new key: shown once, and never again.
pub struct NewKey {
    pub record: ApiKey,
    pub secret: String,
}

/// What to make a key for.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    pub merchant: MerchantId,
    pub mode: Mode,
    pub kind: KeyKind,
    /// For restricted keys.
    pub scopes: Vec<String>,
}

impl Merchants {
    /// Reads all merchants and keys of the store.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn load(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let quota = governor::Quota::per_second(
            std::num::NonZeroU32::new(LOOKUPS_A_SECOND).expect("the constant is not zero"),
        );
        let lookups = Lookups::direct_with_clock(quota, PortClock(clock));
        let this = Self { journal, by_hash: DashMap::new(), by_id: DashMap::new(), lookups };
        this.reload().await?;
        Ok(this)
    }

    /// Takes up what other processes have written since.
    ///
    /// # Errors
    /// The store can't be read; what was known stays known.
    pub async fn reload(&self) -> Result<(), StoreError> {
        use gateway_core::journal::Query;
        for stored in self.journal.query(&Query::Merchants).await? {
            if let Row::Merchant(merchant) = stored.row {
                self.by_id.insert(merchant.id, Arc::new(*merchant));
            }
        }
        for stored in self.journal.query(&Query::ApiKeys).await? {
            if let Row::ApiKey(key) = stored.row {
                self.remember(&key);
            }
        }
        Ok(())
    }

    fn remember(&self, key: &ApiKey) -> Option<Caller> {
        let merchant = self.by_id.get(&key.merchant).map(|m| Arc::clone(m.value()))?;
        let caller = Caller {
            tenant: Tenant { merchant: key.merchant, mode: key.mode },
            key_id: key.id,
            kind: key.kind,
            scopes: key.scopes.clone().into(),
            merchant,
            revoked: key.revoked,
        };
        self.by_hash.insert(key.hash, caller.clone());
        Some(caller)
    }

    /// The owner of a key, if it is one of ours; also revoked ones.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn caller(&self, key: &str) -> Result<Option<Caller>, StoreError> {
        // Hashing is constant-time in the key's content, and a hash can't be approached letter by letter.
        let hash = crypto::mac::hash_api_key(key.as_bytes());
        if let Some(found) = self.by_hash.get(&hash).map(|c| c.value().clone()) {
            return Ok(Some(found));
        }
        if self.lookups.check().is_err() {
            return Ok(None);
        }
        let Some(stored) = self.journal.read(&RowKey::ApiKey(hash)).await? else { return Ok(None) };
        let Row::ApiKey(key) = stored.row else { return Ok(None) };
        if !self.by_id.contains_key(&key.merchant)
            && let Some(stored) = self.journal.read(&RowKey::Merchant(key.merchant)).await?
            && let Row::Merchant(merchant) = stored.row
        {
            self.by_id.insert(merchant.id, Arc::new(*merchant));
        }
        Ok(self.remember(&key))
    }

    /// A merchant by its id.
    pub fn merchant(&self, id: MerchantId) -> Option<Arc<Merchant>> {
        self.by_id.get(&id).map(|m| Arc::clone(m.value()))
    }

    /// All merchants that this process knows, oldest first.
    pub fn all(&self) -> Vec<Arc<Merchant>> {
        let mut all: Vec<_> = self.by_id.iter().map(|m| Arc::clone(m.value())).collect();
        all.sort_by_key(|m| m.id);
        all
    }

    /// Makes a merchant.
    ///
    /// # Errors
    /// The store can't write now; nothing was made.
    pub async fn create(
        &self,
        name: &str,
        (clock, ids): (&dyn Clock, &dyn Ids),
    ) -> Result<Arc<Merchant>, CommitError> {
        let merchant = Merchant {
            id: MerchantId(ids.next()),
            name: name.to_owned(),
            created: clock.now(),
            partial_approval: false,
            retry_declines: false,
        };
        let mut batch = Batch::new(Urgency::New);
        batch.insert(Row::Merchant(Box::new(merchant.clone())));
        self.journal.commit(batch).await?;
        let merchant = Arc::new(merchant);
        self.by_id.insert(merchant.id, Arc::clone(&merchant));
        Ok(merchant)
    }

    /// Changes what may be changed of a merchant; `None` if there is none of this id.
    ///
    /// # Errors
    /// The store can't read or write now, or somebody else changed it at the same time; it is as it was.
    pub async fn change(
        &self,
        id: MerchantId,
        change: impl Fn(&mut Merchant),
    ) -> Result<Option<Arc<Merchant>>, CommitError> {
        let unreadable = |error: StoreError| CommitError::Unavailable(format!("{error:?}"));
        let Some(stored) = self.journal.read(&RowKey::Merchant(id)).await.map_err(unreadable)? else {
            return Ok(None);
        };
        let Row::Merchant(mut merchant) = stored.row else { return Ok(None) };
        change(&mut merchant);
        let mut batch = Batch::new(Urgency::Outcome);
        batch.replace(stored.version, Row::Merchant(merchant.clone()));
        self.journal.commit(batch).await?;
        let merchant = Arc::new(*merchant);
        self.by_id.insert(id, Arc::clone(&merchant));
        // Keys carry their merchant, so that a request needs one lookup.
        for mut caller in self.by_hash.iter_mut().filter(|caller| caller.tenant.merchant == id) {
            caller.merchant = Arc::clone(&merchant);
        }
        Ok(Some(merchant))
    }

    /// Makes a key of a merchant that exists.
    ///
    /// # Errors
    /// The store can't write now; nothing was made.
    pub async fn create_key(
        &self,
        request: KeyRequest,
        (clock, ids, random): (&dyn Clock, &dyn Ids, &dyn Random),
    ) -> Result<NewKey, CommitError> {
        let secret = key_text(&request, random);
        self.adopt_key(request, &secret, (clock, ids)).await
    }

    /// Stores a key whose text was made before: the development key, which outlives the store's loss of memory.
    ///
    /// # Errors
    /// The store can't write now; nothing was made.
    pub async fn adopt_key(
        &self,
        request: KeyRequest,
        secret: &str,
        (clock, ids): (&dyn Clock, &dyn Ids),
    ) -> Result<NewKey, CommitError> {
        let record = ApiKey {
            id: ApiKeyId(ids.next()),
            merchant: request.merchant,
            mode: request.mode,
            kind: request.kind,
            hash: crypto::mac::hash_api_key(secret.as_bytes()),
            scopes: request.scopes,
            created: clock.now(),
            revoked: None,
        };
        let mut batch = Batch::new(Urgency::New);
        batch.insert(Row::ApiKey(Box::new(record.clone())));
        self.journal.commit(batch).await?;
        self.remember(&record);
        Ok(NewKey { record, secret: secret.to_owned() })
    }

    /// Revokes a key; `false` if there is none of this id.
    ///
    /// # Errors
    /// The store can't read or write now; the key is as it was.
    pub async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, CommitError> {
        use gateway_core::journal::Query;
        let unreadable = |error: StoreError| CommitError::Unavailable(format!("{error:?}"));
        for stored in self.journal.query(&Query::ApiKeys).await.map_err(unreadable)? {
            let Row::ApiKey(mut key) = stored.row else { continue };
            if key.id != id {
                continue;
            }
            key.revoked = Some(now);
            let mut batch = Batch::new(Urgency::Outcome);
            batch.replace(stored.version, Row::ApiKey(key.clone()));
            self.journal.commit(batch).await?;
            self.remember(&key);
            return Ok(true);
        }
        Ok(false)
    }
}

/// `sk_test_` and 32 letters: 190 random bits.
fn key_text(request: &KeyRequest, random: &dyn Random) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let prefix = match request.kind {
        KeyKind::Secret => "sk",
        KeyKind::Publishable => "pk",
        KeyKind::Restricted => "rk",
    };
    let mut text = format!("{prefix}_{}_", request.mode.as_str());
    for _letter in 0..32 {
        let index = usize::try_from(random.below(62)).expect("below 62");
        text.push(char::from(LETTERS[index]));
    }
    text
}
