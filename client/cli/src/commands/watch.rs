//! `liuhen watch`: events as they commit, taken up again where they were left.

use super::resolve::{TrailName, TrailWord};
use super::{Common, names};
use crate::output::{Format, write};
use crate::rows;
use crate::tell;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::{Event, Names};
use liuhen_client::lang::pick;
use liuhen_proto::wire;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// See events as they commit: what is for every member, and what one's department is party to
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// Only this kind of trail
    #[arg(requires = "id")]
    kind: Option<TrailWord>,
    /// Which one, as `liuhen trail` names it
    id: Option<String>,
    /// From this height on; without it: from now on
    #[arg(long, default_value_t = 0)]
    from_height: u64,
    /// Keep the place here, and go on from it when started again
    #[arg(long)]
    resume: Option<PathBuf>,
    /// End after so many events
    #[arg(long)]
    limit: Option<usize>,
}

/// How long a connection that was lost is left alone before it is made again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long it is tried in vain: somebody must look then.
const GIVES_UP_AFTER: Duration = Duration::from_secs(300);

/// How far a watch has come.
struct Watched {
    names: Names,
    request: wire::WatchRequest,
    seen: usize,
    /// Since when the connection is lost; `None` while it is there.
    lost: Option<Instant>,
}

impl Watch {
    /// Prints a row an event, until interrupted.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let (trail_kind, trail_id) = match self.kind {
            Some(kind) => {
                let which = TrailName::new(kind, self.id.clone().unwrap_or_default());
                let (kind, id) = which.resolve(&node).await?;
                (kind as u32, id)
            }
            None => (0, Vec::new()),
        };
        // From now on: what commits while a connection is made again is shown too.
        let from_height = match self.from_height {
            0 => node.status().await?.height.saturating_add(1),
            height => height,
        };
        let request =
            wire::WatchRequest { resume_token: self.token()?, trail_kind, trail_id, from_height };
        let mut place = Watched { names: names(&node).await?, request, seen: 0, lost: None };
        loop {
            let ended = self.follow(&node, common.output, &mut place).await;
            let why = match ended {
                Err(error) if error.exit_code() == 7 => error.to_string(),
                Ok(false) => pick("the node ended the watch", "节点结束了订阅").to_owned(),
                Ok(true) => return Ok(()),
                Err(error) => return Err(error),
            };
            match place.lost {
                None => {
                    let resumes = pick("it is taken up again where it was", "将从中断处继续");
                    tell!("liuhen: {why}; {resumes}");
                    place.lost = Some(Instant::now());
                }
                Some(since) if since.elapsed() >= GIVES_UP_AFTER => {
                    return Err(ClientError::Unavailable { node: node.address().to_owned(), why });
                }
                Some(_) => {}
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// Prints what comes until there is no more; whether all that was asked for has come.
    async fn follow(
        &self,
        node: &Node,
        output: Format,
        place: &mut Watched,
    ) -> Result<bool, ClientError> {
        let mut stream = node.watching().watch(place.request.clone()).await?.into_inner();
        if place.lost.take().is_some() {
            tell!("liuhen: {}", pick("connected again", "已重新连接"));
        }
        while let Some(response) = stream.message().await? {
            if let Some(event) = &response.event {
                let event = Event::from_wire(event)?;
                if event.is_by_unknown(&place.names) {
                    place.names = names(node).await?;
                }
                print(&event, &place.names, output, place.seen == 0)?;
                place.seen += 1;
            }
            self.keep(&response.resume_token)?;
            place.request.resume_token = response.resume_token;
            if self.limit.is_some_and(|limit| place.seen >= limit) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn token(&self) -> Result<String, ClientError> {
        let Some(file) = &self.resume else { return Ok(String::new()) };
        match std::fs::read_to_string(file) {
            Ok(token) => Ok(token.trim().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(ClientError::Failed(format!("{}: {error}", file.display()))),
        }
    }

    /// Kept only once the event was printed: what was seen twice is better than what was missed.
    fn keep(&self, token: &str) -> Result<(), ClientError> {
        let Some(file) = &self.resume else { return Ok(()) };
        let new = file.with_extension("new");
        let kept = std::fs::write(&new, token).and_then(|()| std::fs::rename(&new, file));
        kept.map_err(|e| ClientError::Failed(format!("{}: {e}", file.display())))
    }
}

/// A line for people; else as rows are shown, a CSV heading once.
fn print(event: &Event, names: &Names, format: Format, first: bool) -> Result<(), ClientError> {
    let row = rows::row(event, names);
    if format == Format::Table {
        return write(&rows::line(&row));
    }
    let mut rows = rows::rows();
    rows.push(row);
    match format {
        Format::Csv if !first => rows.print_body(),
        Format::Json => rows.print(Format::Jsonl),
        format => rows.print(format),
    }
}
