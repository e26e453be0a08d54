//! What stands before the spool is opened: the settings, the ledger, and who the gateway and its callers are. That is kept, so that a
//! gate starts also while no node answers.

use crate::break_glass::{self, Officers, from_text, to_text};
use crate::gap::outbox::want;
use crate::ledger::Ledger;
use crate::ruled::{Caller, Ruled};
use crate::settings::Settings;
use crate::spool::Place;
use anyhow::Context as _;
use liuhen_client::error::ClientError;
use liuhen_client::reach::ReachOptions;
use liuhen_client::submit::Account;
use liuhen_genesis::Founding;
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Signer;
use liuhen_proto::types::{ChainId, IdentityId};
use liuhen_proto::wire::Party;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A key in a file is opened by a passphrase from the environment or a prompt.
const PASSPHRASE: PassphraseSource = PassphraseSource::CredentialOrPrompt;

/// How often it is looked whether the first state came in.
const INBOX_EVERY: Duration = Duration::from_secs(1);
/// No node is waited for longer: the next is asked.
const NODE_WITHIN: Duration = Duration::from_secs(10);

/// The settings read, and no node asked yet.
pub struct Reached {
    settings: Settings,
    ledger: Arc<Ledger>,
    key: PrivateKey,
    chain: ChainId,
}

/// What stands before the spool is opened.
pub struct Begun {
    /// The settings.
    pub settings: Settings,
    /// The ledger, reached.
    pub ledger: Arc<Ledger>,
    /// The gateway, as the ledger knows it.
    pub account: Account,
    /// The last number that the ledger knows of it.
    pub known: u64,
    /// Who asks, where no node answered: as they were known at the start before.
    kept: Option<Kept>,
}

/// An identity, as the ledger had it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Named {
    department: String,
    identity: String,
}

/// Who the gateway and its callers are.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    gateway: Named,
    callers: BTreeMap<String, Named>,
    /// Who may open doors by hand.
    #[serde(default)]
    officers: BTreeMap<String, String>,
}

impl Reached {
    /// Reads what is needed. Errors for what can't be read, or be meant.
    pub fn of(settings: Settings) -> anyhow::Result<Self> {
        let founding = std::fs::read(&settings.genesis)
            .with_context(|| format!("genesis: {}", settings.genesis.display()))?;
        let founding = Founding::from_bytes(&founding)
            .with_context(|| format!("genesis: {}", settings.genesis.display()))?;
        let dev = founding.is_dev();
        let key = liuhen_keyfile::load(&settings.key, &PASSPHRASE, dev).context("key")?;
        let options = ReachOptions {
            within: NODE_WITHIN,
            allow_plaintext: settings.allow_plaintext,
            ..ReachOptions::default()
        };
        let chain = founding.chain();
        let ledger = match &settings.gap {
            Some(gap) => {
                let id = key.public().key_id();
                want(&settings, &chain, &id).context("outbox")?;
                Ledger::by_files(founding, &gap.inbox, id, settings.spool.with_extension("seen"))
            }
            None => Ledger::of(founding, &settings.nodes, &options, &key)?,
        };
        let ledger = Arc::new(ledger);
        Ok(Self { settings, ledger, key, chain })
    }

    /// Asks the ledger who the gateway is.
    pub async fn begin(self) -> anyhow::Result<Begun> {
        let (account, known) = self.account().await?;
        Ok(self.begun(account, known))
    }

    fn begun(self, account: Account, known: u64) -> Begun {
        let Self { settings, ledger, .. } = self;
        Begun { settings, ledger, account, known, kept: None }
    }

    /// The same; where no node answers, by what is kept of the start before.
    pub async fn begin_anyway(self) -> anyhow::Result<Begun> {
        self.first_of_inbox().await?;
        let error = match self.account().await {
            Ok((account, known)) => return Ok(self.begun(account, known)),
            Err(error) => error,
        };
        let file = kept_at(&self.settings);
        let kept = std::fs::read(&file).ok();
        let is_empty = self.ledger.inbox().is_some_and(|it| it.newest().is_none());
        let may = error.is_unanswered() || is_empty;
        let Some(kept) = kept.filter(|_| may) else { return Err(error.into()) };
        let at = || format!("{}", file.display());
        let kept: Kept = serde_json::from_slice(&kept).with_context(at)?;
        tracing::error!(%error, "no node answers: the gate starts by what it knew, and decides nothing before one does");
        let identity: IdentityId = kept.gateway.identity.parse().ok().with_context(at)?;
        let department = kept.gateway.department.clone();
        let Self { settings, ledger, key, chain } = self;
        let account = Account { signer: Signer { chain, department, identity, key } };
        Ok(Begun { settings, ledger, account, known: 0, kept: Some(kept) })
    }

    /// Where no connection crosses: waits until something of the ledger came in.
    async fn first_of_inbox(&self) -> anyhow::Result<()> {
        let mut is_said = false;
        while let Some(inbox) = self.ledger.inbox() {
            self.ledger.look().context("inbox")?;
            // Started before, it begins by what it knew of itself, as where no node answers.
            if inbox.newest().is_some() || kept_at(&self.settings).exists() {
                break;
            }
            if !std::mem::replace(&mut is_said, true) {
                tracing::warn!(
                    "nothing of the ledger came in yet: what is wanted is in the outbox, for `liuhen-gate carry` outside"
                );
            }
            tokio::time::sleep(INBOX_EVERY).await;
        }
        Ok(())
    }

    /// The gateway, and the last number that the ledger knows of it.
    async fn account(&self) -> Result<(Account, u64), ClientError> {
        if let Some(inbox) = self.ledger.inbox() {
            self.ledger.look().map_err(|it| ClientError::failed(format!("{it:#}")))?;
            let carried = inbox.newest();
            let named = carried.map(|it| it.gateway.clone()).unwrap_or_default();
            let identity = IdentityId::from_slice(&named.identity_id)
                .map_err(|_| ClientError::failed("nothing of the ledger came in yet"))?;
            let signer = Signer {
                chain: self.chain,
                department: named.department,
                identity,
                key: self.key.clone(),
            };
            let known = inbox.gateway(&identity)?.gateway.map_or(0, |it| it.last_access_no);
            return Ok((Account { signer }, known));
        }
        let (key, chain) = (self.key.clone(), self.chain);
        let account = self.ledger.ask(|node| {
            let key = key.clone();
            Box::pin(async move { Account::of_key(&node, chain, key).await })
        });
        let account = account.await?;
        let gateway = self.ledger.gateway(&account.signer.identity).await?.gateway;
        Ok((account, gateway.map_or(0, |it| it.last_access_no)))
    }
}

/// Where it is kept who the gateway and its callers are.
pub fn kept_at(settings: &Settings) -> PathBuf {
    settings.spool.with_extension("begun")
}

/// The gateway, and who may open its doors by hand, as that is kept.
pub fn kept(file: &Path) -> anyhow::Result<(IdentityId, Officers)> {
    let kept: Kept = serde_json::from_slice(&std::fs::read(file)?)?;
    let gateway = kept.gateway.identity.parse().ok().context("the gateway")?;
    Ok((gateway, kept.officers()?))
}

impl Kept {
    fn officers(&self) -> anyhow::Result<Officers> {
        let officers = self.officers.iter();
        officers.map(|(name, text)| Ok((name.clone(), from_text(text)?))).collect()
    }
}

impl Begun {
    /// Whether no node answered.
    pub fn is_away(&self) -> bool {
        self.kept.is_some()
    }

    /// Where the spool is.
    pub fn place(&self) -> Place {
        let Settings { spool, numbers, .. } = &self.settings;
        let (file, numbers) = (spool.clone(), numbers.clone());
        let signer = &self.account.signer;
        Place { file, numbers, chain: signer.chain, gateway: signer.identity }
    }

    /// Who asks, as the ledger knows them, or knew them.
    pub async fn callers(&self) -> anyhow::Result<Vec<Caller>> {
        let mut callers = Vec::new();
        for one in &self.settings.callers {
            let by = one.by()?;
            let named = self.named(&one.identity).await;
            let Named { department, identity } =
                named.with_context(|| format!("caller {}", one.identity))?;
            let party = Party {
                department,
                identity_id: hex::decode(identity)?,
                assurance: by.assurance() as i32,
                ..Party::default()
            };
            let name = one.identity.clone();
            callers.push(Caller { by, party, name });
        }
        Ok(callers)
    }

    async fn named(&self, name: &str) -> anyhow::Result<Named> {
        match &self.kept {
            Some(kept) => {
                let known = kept.callers.get(name).cloned();
                known.context("no node answers, and it was not known at the start before")
            }
            None => {
                let found = self.ledger.identity(name).await?;
                let identity = hex::encode(&found.identity_id);
                Ok(Named { department: found.department, identity })
            }
        }
    }

    /// Who may open doors by hand, as the ledger knows them, or knew them.
    pub async fn officers(&self) -> anyhow::Result<Officers> {
        let Some(opening) = &self.settings.break_glass else { return Ok(Officers::new()) };
        match &self.kept {
            Some(kept) => {
                let mut known = kept.officers()?;
                known.retain(|name, _| opening.officers.contains(name));
                Ok(known)
            }
            None => break_glass::officers(&self.ledger, opening).await,
        }
    }

    /// Keeps who the gateway, its callers and its officers are. Where that fails, the next start needs a node.
    pub fn keep(&self, callers: &[Caller], officers: &Officers) {
        let signer = &self.account.signer;
        let gateway =
            Named { department: signer.department.clone(), identity: signer.identity.to_string() };
        let named = |it: &Caller| Named {
            department: it.party.department.clone(),
            identity: hex::encode(&it.party.identity_id),
        };
        let callers = callers.iter().map(|it| (it.name.clone(), named(it))).collect();
        let officers = officers.iter().map(|(name, it)| (name.clone(), to_text(it))).collect();
        let file = kept_at(&self.settings);
        let kept = Kept { gateway, callers, officers };
        let bytes = serde_json::to_vec(&kept).map_err(std::io::Error::other);
        if let Err(error) = bytes.and_then(|bytes| std::fs::write(&file, bytes)) {
            tracing::warn!(file = %file.display(), %error, "it can't be kept who asks: without a node the gate does not start");
        }
    }

    /// What is asked for.
    pub fn routes(&mut self) -> anyhow::Result<Vec<Ruled>> {
        let routes = std::mem::take(&mut self.settings.routes);
        let ruled = routes.into_iter().map(|route| {
            let (path, operation) = (route.expression()?, route.operation()? as i32);
            Ok(Ruled { route, path, operation })
        });
        ruled.collect()
    }
}
