//! `liuhen watch`: events as they commit, taken up again where they were left.

use super::trail::{self, Which};
use super::{Common, names};
use crate::output::{Format, write};
use crate::rows;
use liuhen_client::error::ClientError;
use liuhen_client::event::{Event, Names};
use liuhen_proto::wire;
use std::path::PathBuf;

/// See events as they commit: what is for every member, and what one's department is party to
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// Only this kind of trail
    #[arg(requires = "id")]
    kind: Option<trail::Kind>,
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

impl Watch {
    /// Prints a row an event, until interrupted.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let (trail_kind, trail_id) = match self.kind {
            Some(kind) => {
                let which = Which { kind, id: self.id.clone().unwrap_or_default() };
                let (kind, id) = which.resolve(&node).await?;
                (kind as u32, id)
            }
            None => (0, Vec::new()),
        };
        let mut names = names(&node).await?;
        let request = wire::WatchRequest {
            resume_token: self.token()?,
            trail_kind,
            trail_id,
            from_height: self.from_height,
        };
        let mut stream = node.watching().watch(request).await?.into_inner();
        let mut seen = 0;
        while let Some(response) = stream.message().await? {
            if let Some(event) = &response.event {
                let event = Event::from_wire(event)?;
                if event.is_by_unknown(&names) {
                    names = super::names(&node).await?;
                }
                print(&event, &names, common.output, seen == 0)?;
                seen += 1;
            }
            self.keep(&response.resume_token)?;
            if self.limit.is_some_and(|limit| seen >= limit) {
                break;
            }
        }
        Ok(())
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
