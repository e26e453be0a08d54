//! Questions between neighbours, and their answers: request and response over the second swarm. Each is bincode, bounded;
//! who asks too much at once gets no answer.

use crate::codec;
use async_trait::async_trait;
use bincode::{Decode, Encode};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{PeerId, StreamProtocol, request_response};
use std::io;
use std::time::Duration;
use tokio::sync::oneshot;

/// Bytes of a question at most.
const QUESTION_BYTES: u64 = 256 * 1024;
/// Bytes of an answer at most: a block with its certificate, and something to spare.
const ANSWER_BYTES: u64 = codec::LIMIT as u64;
/// After this long nobody waits for an answer.
const WITHIN: Duration = Duration::from_secs(10);

/// What a node asks a neighbour.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Question {
    /// How it stands, and what it holds of the asker's votes: who asks, as its node key signed it.
    Standing { asker: Vec<u8>, signature: Vec<u8> },
    /// What it holds of an open height, beside the messages with these digests and these blocks.
    Missing { height: u64, have: Vec<u64>, blocks: Vec<[u8; 32]> },
    /// The stream of an undecided block.
    Stream { height: u64, block: [u8; 32] },
    /// The decided block of a height.
    Block { height: u64 },
    /// What its snapshot is of.
    Snapshot,
    /// A piece of its snapshot of a height.
    Piece { height: u64, number: u32 },
    /// The decided blocks from a height on, so many at most.
    Blocks { first: u64, most: u32 },
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Answer {
    /// How it stands: what its node key signed.
    Standing { standing: Vec<u8>, key: [u8; 32], signature: Vec<u8> },
    /// Messages, as the engine's codec has them, and blocks of which it holds the stream.
    Missing { messages: Vec<Vec<u8>>, blocks: Vec<[u8; 32]> },
    /// The stream; `None`: it has none.
    Stream(Option<Stream>),
    /// The block as its log has it; `None`: it has none.
    Block(Option<Vec<u8>>),
    /// What it is of; `None`: it has none, or is making one.
    Snapshot { manifest: Option<Vec<u8>>, making: bool },
    /// The piece; `None`: it has none.
    Piece(Option<Vec<u8>>),
    /// Blocks as its log has them, one behind the other from the first that was asked for.
    Blocks(Vec<Vec<u8>>),
}

/// A whole stream of an undecided block.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Stream {
    pub(crate) height: u64,
    pub(crate) round: u32,
    pub(crate) proposer: [u8; 32],
    pub(crate) block: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// A question to send.
pub(crate) struct Ask {
    pub(crate) to: PeerId,
    pub(crate) question: Question,
    /// Dropped where there is no answer.
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// A question that came.
pub(crate) struct Asked {
    pub(crate) question: Question,
    /// Dropped: there is no answer.
    pub(crate) reply: oneshot::Sender<Answer>,
}

pub(super) type Behaviour = request_response::Behaviour<Bincode>;

/// The behaviour on a chain.
pub(super) fn behaviour(chain: &liuhen_proto::types::ChainId) -> anyhow::Result<Behaviour> {
    let protocol = StreamProtocol::try_from_owned(format!("/liuhen/{chain}/ask/1"))?;
    let config = request_response::Config::default()
        .with_request_timeout(WITHIN)
        .with_max_concurrent_streams(16);
    let support = request_response::ProtocolSupport::Full;
    Ok(Behaviour::with_codec(Bincode, [(protocol, support)], config))
}

/// The encoding of both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bincode;

async fn read<T: Decode<()>>(
    io: &mut (impl AsyncRead + Unpin + Send),
    limit: u64,
) -> io::Result<T> {
    let mut bytes = Vec::new();
    io.take(limit.saturating_add(1)).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too long"));
    }
    codec::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

async fn write<T: Encode>(io: &mut (impl AsyncWrite + Unpin + Send), value: &T) -> io::Result<()> {
    let bytes = codec::encode(value);
    let bytes = bytes.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    io.write_all(&bytes).await
}

#[async_trait]
impl request_response::Codec for Bincode {
    type Protocol = StreamProtocol;
    type Request = Question;
    type Response = Answer;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Question>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, QUESTION_BYTES).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Answer>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, ANSWER_BYTES).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        question: Question,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &question).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: Answer,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &answer).await
    }
}
