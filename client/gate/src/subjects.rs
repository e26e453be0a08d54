//! Whose data it is (数据主体): the number in a request goes to the collector's tag service on this machine and is forgotten; the record has its tag.

use crate::asked::Asked;
use anyhow::Context as _;
use liuhen_proto::subject::bulk_root;
use liuhen_proto::types::TimeMs;
use liuhen_proto::types::limits::RECORD_TAGS;
use liuhen_proto::wire::{BulkSubjects, Subjects};
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// For so long a tag is waited for.
const WITHIN: Duration = Duration::from_secs(1);
/// Numbers that are asked for at once.
const AT_ONCE: usize = 1_000;
/// A tag is 64 hexadecimal digits.
const LONGEST: u64 = 256;

/// The tag service, `liuhen tag serve`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagService {
    /// Its socket.
    pub socket: PathBuf,
}

/// Where in a request its subject's number stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// In the path: what is between the n-th parentheses of the route's expression.
    Path(usize),
    /// In the query: the value of this name.
    Query(String),
    /// In a header of this name, which the service wants too.
    Header(String),
}

impl Subject {
    /// The number; `None` where the request names none, or several.
    fn number(&self, path: &Regex, asked: &Asked) -> Option<String> {
        match self {
            Self::Path(group) => {
                // There `+` is a sign like others.
                let part = path.captures(asked.path())?.get(*group)?.as_str();
                decoded(&part.replace('+', "%2B"))
            }
            Self::Query(name) => {
                let query = asked.uri.split('#').next()?.split_once('?')?.1;
                let pairs = query.split('&').filter_map(|it| it.split_once('='));
                let mut values = pairs.filter(|(key, _)| decoded(key).as_ref() == Some(name));
                let (one, more) = (values.next()?.1, values.next());
                decoded(one).filter(|_| more.is_none())
            }
            Self::Header(name) => asked.headers.get(&name.to_ascii_lowercase()).cloned(),
        }
        .filter(|it| !it.is_empty() && !it.contains(['\n', '\r']))
    }

    /// Errors for what can't be meant on a route of this expression.
    pub fn checked(&self, path: &Regex) -> anyhow::Result<()> {
        if let Self::Path(group) = self {
            anyhow::ensure!(
                *group > 0 && *group < path.captures_len(),
                "subject: the path has no {group}th parentheses"
            );
        }
        Ok(())
    }
}

/// What `%` and `+` stand for; `None` where that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Asks for tags, and counts.
#[derive(Debug)]
pub struct Tags {
    service: Option<TagService>,
    /// Subjects that were told, and have no tag: the service was away, or did not take the number.
    pub untagged: AtomicU64,
}

impl Tags {
    /// By this service; without one no subject has a tag.
    pub fn new(service: Option<TagService>) -> Self {
        Self { service, untagged: AtomicU64::new(0) }
    }

    /// Whose data a request is about. Where the route does not say where that stands, there may be some, uncounted.
    pub async fn subjects(
        &self,
        route: Option<&Subject>,
        path: &Regex,
        asked: &Asked,
        time: TimeMs,
    ) -> Subjects {
        let uncounted = Subjects { uncounted: true, ..Subjects::default() };
        let Some(number) = route.and_then(|it| it.number(path, asked)) else { return uncounted };
        match self.tag(&number, time).await {
            Ok(tag) => Subjects { tags: vec![tag], ..Subjects::default() },
            Err(error) => {
                self.untagged.fetch_add(1, Ordering::Relaxed);
                // Not with the number: the service does not say it either.
                tracing::warn!(error = %format!("{error:#}"), "a subject has no tag: it is counted as unknown");
                Subjects { unknown_count: 1, ..Subjects::default() }
            }
        }
    }

    /// Whose rows were given, by the numbers that stood in them, each as often as it did; `rows`: how many there were. Few are listed; many are a bulk
    /// set, whose tags come beside, ascending.
    pub async fn of_rows(
        &self,
        numbers: Vec<String>,
        rows: Option<u64>,
        time: TimeMs,
        may_be_bulk: bool,
    ) -> (Subjects, Vec<Vec<u8>>) {
        // Of a row without a number nobody can say whose it is.
        let named = u64::try_from(numbers.len()).unwrap_or(u64::MAX);
        let nameless = rows.map(|rows| rows.saturating_sub(named));
        let mut numbers = numbers;
        numbers.sort_unstable();
        numbers.dedup();
        let mut tags = BTreeSet::new();
        let (mut unknown, mut is_away) = (nameless.unwrap_or(0), false);
        for some in numbers.chunks(AT_ONCE) {
            // A service that is away is not waited for again.
            let found = match is_away {
                true => Ok(Vec::new()),
                false => self.tags(some, time).await,
            };
            let found = found.unwrap_or_else(|error| {
                tracing::warn!(error = %format!("{error:#}"), subjects = numbers.len(), "subjects have no tags: they are counted as unknown");
                is_away = true;
                Vec::new()
            });
            let without = some.len().saturating_sub(found.iter().flatten().count());
            let without = u64::try_from(without).unwrap_or(u64::MAX);
            self.untagged.fetch_add(without, Ordering::Relaxed);
            unknown = unknown.saturating_add(without);
            tags.extend(found.into_iter().flatten());
        }
        let uncounted = nameless.is_none();
        if tags.len() <= RECORD_TAGS {
            let tags = tags.into_iter().collect();
            let subjects =
                Subjects { tags, unknown_count: unknown, uncounted, ..Subjects::default() };
            return (subjects, Vec::new());
        }
        let all: Vec<Vec<u8>> = tags.into_iter().collect();
        let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
        if may_be_bulk && unknown == 0 && !uncounted {
            let root = bulk_root(all.iter().map(Vec::as_slice)).to_vec();
            let bulk = Some(BulkSubjects { count, root });
            return (Subjects { bulk, ..Subjects::default() }, all);
        }
        // Beside a bulk set there can be nothing: those who can't be listed are counted.
        let listed = u64::try_from(RECORD_TAGS).unwrap_or(u64::MAX);
        let unknown_count = unknown.saturating_add(count.saturating_sub(listed));
        let tags = all.into_iter().take(RECORD_TAGS).collect();
        (Subjects { tags, unknown_count, uncounted, ..Subjects::default() }, Vec::new())
    }

    async fn tag(&self, number: &str, time: TimeMs) -> anyhow::Result<Vec<u8>> {
        let found = self.tags(&[number.to_owned()], time).await?;
        let tag = found.into_iter().flatten().next();
        tag.context("the tag service does not take the number")
    }

    /// The tags of numbers; `None` where the service does not take one.
    async fn tags(&self, numbers: &[String], time: TimeMs) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
        let service = self.service.as_ref().context("no tag service is set")?;
        let year = year_of(time)?;
        let asking = async {
            let stream = UnixStream::connect(&service.socket).await?;
            let (read, mut write) = stream.into_split();
            let asks = async {
                let lines: String = numbers.iter().map(|it| format!("{year} {it}\n")).collect();
                write.write_all(lines.as_bytes()).await
            };
            let longest = LONGEST.saturating_mul(numbers.len() as u64);
            let mut lines = BufReader::new(read.take(longest)).lines();
            let told = async {
                let mut found = Vec::with_capacity(numbers.len());
                while found.len() < numbers.len() {
                    let Some(line) = lines.next_line().await? else { break };
                    let tag = hex::decode(line.trim()).ok().filter(|it| it.len() == 32);
                    if tag.is_none() {
                        // Not with the number: the service does not say it either.
                        tracing::debug!(said = line.trim(), "a subject has no tag");
                    }
                    found.push(tag);
                }
                Ok(found)
            };
            let (_, found) = tokio::try_join!(asks, told)?;
            Ok::<_, std::io::Error>(found)
        };
        let answered = tokio::time::timeout(WITHIN, asking).await;
        answered.context("the tag service does not answer")?.context("tag service")
    }
}

/// The year whose key makes the tag, local time +08:00.
fn year_of(time: TimeMs) -> anyhow::Result<i16> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(time.get())?)?;
    Ok(jiff::tz::Offset::constant(8).to_datetime(time).year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_number_stands() {
        let path = Regex::new("^(?:/residents/([0-9A-Z%+]+))$").unwrap();
        let asked = |uri: &str| Asked {
            uri: uri.into(),
            headers: [("x-subject".to_owned(), "77".to_owned())].into(),
            ..Asked::default()
        };
        let query = || Subject::Query("id no".into());
        for (subject, uri, number) in [
            (Subject::Path(1), "/residents/7?x=1", Some("7")),
            (Subject::Path(1), "/residents/%37", Some("7")),
            (Subject::Path(1), "/residents/%3", None),
            (Subject::Path(1), "/residents/7+8", Some("7+8")),
            (query(), "/residents/7?id%20no=5&x=1", Some("5")),
            (query(), "/residents/7?id+no=5%2C6#y", Some("5,6")),
            // Of several nobody can say whose it is.
            (query(), "/residents/7?id+no=5&id+no=6", None),
            (query(), "/residents/7?id+no=", None),
            (query(), "/residents/7?id+no=5%0A6", None),
            (query(), "/residents/7?x=1", None),
            (query(), "/residents/7", None),
            (Subject::Header("X-Subject".into()), "/", Some("77")),
            (Subject::Header("X-Other".into()), "/", None),
        ] {
            assert_eq!(subject.number(&path, &asked(uri)).as_deref(), number, "{subject:?} {uri}");
        }
        assert!(Subject::Path(1).checked(&path).is_ok());
        assert!(
            Subject::Path(0).checked(&path).is_err() && Subject::Path(2).checked(&path).is_err()
        );
    }

    #[test]
    fn years_are_local() {
        let at = |text: &str| {
            let time: jiff::Timestamp = text.parse().unwrap();
            year_of(TimeMs::new(u64::try_from(time.as_millisecond()).unwrap())).unwrap()
        };
        assert_eq!((at("2026-12-31T15:59:59Z"), at("2026-12-31T16:00:00Z")), (2026, 2027));
    }

    #[tokio::test]
    async fn what_has_no_tag_is_counted() {
        let path = Regex::new("^(?:/residents/([0-9]+))$").unwrap();
        let asked = Asked { uri: "/residents/7".into(), ..Asked::default() };
        let time = liuhen_client::clock::now();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("none");
        let (none, away) = (Tags::new(None), Tags::new(Some(TagService { socket })));
        for tags in [&none, &away] {
            let unknown = tags.subjects(Some(&Subject::Path(1)), &path, &asked, time).await;
            assert_eq!(unknown, Subjects { unknown_count: 1, ..Subjects::default() });
            assert_eq!(tags.untagged.load(Ordering::Relaxed), 1);
            let uncounted = tags.subjects(None, &path, &asked, time).await;
            assert_eq!(uncounted, Subjects { uncounted: true, ..Subjects::default() });
        }
    }
}
