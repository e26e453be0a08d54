//! A node's services under generated requests. One chain is held with one of each thing that there is to read; each input
//! is a call of one of the contract's methods, by somebody, and its request is either the input's bytes or made by them
//! out of what stands on the chain. Which methods and messages there are is read from the descriptors.

mod contract;
mod credentials;
mod ground;
mod judge;
mod known;
mod node;
mod requests;
pub mod seeds;
#[cfg(test)]
mod tests;

use self::contract::{Contract, Shape, Value};
use self::credentials::Credentials;
use self::ground::Ground;
use self::known::Known;
use self::node::{Answer, Node};
use self::requests::{Call, Requests, frame};
use std::collections::BTreeSet;
use tokio::runtime::{Builder, Runtime};
use tonic::Code;

pub use self::contract::Method;

/// How often a token that was answered is shown again.
const PAGES: usize = 3;
/// What the runtime's threads are called.
const THREAD: &str = "services";

/// Services that can be called.
pub struct Services {
    contract: Contract,
    ground: Ground,
    known: Known,
    credentials: Credentials,
    runtime: Runtime,
}

impl Services {
    /// Makes the chain that they are over.
    pub fn make() -> anyhow::Result<Self> {
        let (contract, ground) = (Contract::read()?, Ground::make()?);
        let known = Known::of(&contract, &ground)?;
        let credentials = Credentials::of_all(&ground);
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_name(THREAD).enable_all().build()?;
        Ok(Self { contract, ground, known, credentials, runtime })
    }

    /// Every method of the contract.
    pub fn methods(&self) -> &[Method] {
        &self.contract.methods
    }

    /// Makes the call that an input stands for, shows the tokens that are answered again, and judges each answer. Panics
    /// where one is not as it must be. Gives the method, and how its first call ended; `None` where the input is too
    /// short for a call.
    pub fn run(&self, input: &[u8]) -> Option<(Method, Code)> {
        let call = self.requests().call(input)?;
        let code = self.runtime.block_on(async {
            let mut node = Node::start(&self.ground).expect("a node can be started");
            let answer = self.judged(&mut node, &call).await;
            self.as_nobody(&mut node, &call, &answer).await;
            self.go_on(&mut node, &call, &answer).await;
            node.let_go().await;
            answer.status.code()
        });
        Some((call.method, code))
    }

    /// Shows tokens again that are answered: behind each comes nothing that was told before.
    async fn go_on(&self, node: &mut Node, call: &Call, answer: &Answer) {
        let told = |answer: &Answer| {
            let messages = answer.messages.iter();
            messages.flat_map(|it| self.contract.inside(&call.method.told, it)).collect::<Vec<_>>()
        };
        let mut before: BTreeSet<Vec<u8>> = told(answer).into_iter().collect();
        let mut next = self.next(call, answer);
        for _ in 0..PAGES {
            let Some(page) = next else { break };
            let answer = self.judged(node, &page).await;
            for it in told(&answer) {
                assert!(before.insert(it), "{}: told again behind a token", call.method.path);
            }
            next = self.next(&page, &answer);
        }
    }

    /// A token that does not hold opens nothing that is not open to who shows none.
    async fn as_nobody(&self, node: &mut Node, call: &Call, answer: &Answer) {
        if call.how.token_bent() && answer.status.code() == Code::Ok {
            let nobody = Call { who: None, ..call.clone() };
            let open = self.judged(node, &nobody).await;
            assert_eq!(open.status.code(), Code::Ok, "{}: by a bad token", call.method.path);
        }
    }

    fn requests(&self) -> Requests<'_> {
        Requests { contract: &self.contract, known: &self.known, ground: &self.ground }
    }

    async fn judged(&self, node: &mut Node, call: &Call) -> Answer {
        let answer = node.call(call, &self.credentials).await;
        if answer.status.code() != Code::Ok {
            judge::refusal(call, &answer.status);
        }
        judge::answer(&self.contract, &self.ground, call, &answer);
        answer
    }

    /// The same call with the token that was answered last, where there is one: a field's name in the request ends
    /// that of one in the answer.
    fn next(&self, call: &Call, answer: &Answer) -> Option<Call> {
        let told = self.contract.read_message(&call.method.told, answer.messages.last()?)?;
        let asked = self.contract.fields(&call.method.asked).iter();
        let mut tokens = asked.filter(|it| it.shape == Shape::Bytes && it.name.ends_with("token"));
        let field = tokens.next()?;
        let (_, token) = told.last()?.iter().find(|(name, _)| name.ends_with(&field.name))?;
        let mut message = call.message()?.to_vec();
        // Of a field that is there twice the last counts.
        contract::write(field.number, token, &mut message);
        let is_new = matches!(token, Value::Bytes(it) if !it.is_empty());
        is_new.then(|| Call { frames: frame(&message), ..call.clone() })
    }
}
