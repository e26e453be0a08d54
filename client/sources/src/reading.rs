//! A log that is read in parts: statements are given out when nothing more of them is to come, so that as many are in memory as a
//! part has, however long the log is.

use crate::log::{Log, LogFile, Reader};
use crate::statement::Statement;
use liuhen_client::error::ClientError;
use std::collections::HashSet;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// How many statements a part has, more or less.
pub(crate) const PART: usize = 5_000;
/// And one of a log that is followed.
const FOLLOWED: usize = 1_000;
/// Bytes of texts that a part has, more or less.
const PART_BYTES: usize = 64 << 20;

/// The files of a log, read one behind the other.
pub struct Reading<'a> {
    reader: Box<dyn Reader + 'a>,
    open: fn(&Path) -> std::io::Result<Box<dyn BufRead>>,
    paths: &'a [PathBuf],
    /// How many of the files are begun.
    begun: usize,
    file: Option<LogFile<Box<dyn BufRead>>>,
    skip_unknown: bool,
    log: Log,
    /// How many statements, and bytes of texts, were left when a part was given out: those that go on.
    left: (usize, usize),
    /// Why nothing more is read, until that is said.
    stopped: Option<ClientError>,
    is_over: bool,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        reader: Box<dyn Reader + 'a>,
        open: fn(&Path) -> std::io::Result<Box<dyn BufRead>>,
        paths: &'a [PathBuf],
        skip_unknown: bool,
    ) -> Self {
        let (file, log) = (None, Log::default());
        let (stopped, is_over) = (None, false);
        Self {
            reader,
            open,
            paths,
            begun: 0,
            file,
            skip_unknown,
            log,
            left: (0, 0),
            stopped,
            is_over,
        }
    }

    /// Of lines that come as they are written: where none is there yet, asking for one would block.
    pub(crate) fn of_stream(
        reader: Box<dyn Reader + 'a>,
        lines: Box<dyn BufRead>,
        name: &Path,
    ) -> Self {
        let mut it = Self::new(reader, crate::log::open, &[], true);
        it.file = Some(LogFile::new(lines, name, true, &mut it.log));
        it
    }

    /// Of a stream: the statements of which nothing more is to come, or that are older than `since_ms`; and whether more lines are there
    /// already. `is_quiet`: nothing has come for a while.
    pub(crate) fn now(
        &mut self,
        since_ms: u64,
        is_quiet: bool,
    ) -> Result<(Vec<Statement>, bool), ClientError> {
        let mut more = true;
        // Those that go on wait, and are no reason to read no further.
        let has_room = |log: &Log, left: (usize, usize)| {
            log.statements.len().saturating_sub(left.0) < FOLLOWED
                && log.text_bytes().saturating_sub(left.1) < PART_BYTES
        };
        while more && has_room(&self.log, self.left) {
            more = self.line()? && self.file.as_ref().is_some_and(|it| !it.waits);
        }
        if is_quiet && !more && self.reader.quiet(&mut self.log).is_err() {
            let line = self.log.lines;
            self.log.add_unknown(line, "it does not end".to_owned());
        }
        let going_on = self.reader.going_on(&mut self.log, since_ms);
        let done = self.log.take_done(&going_on);
        self.left = (self.log.statements.len(), self.log.text_bytes());
        Ok((done, more))
    }

    /// Lets go of names that are counted for the end of a log: a stream has none.
    pub(crate) fn forget_names(&mut self) {
        self.log.forget_names();
    }

    /// The next statements of which nothing more is to come, in the order of their first lines; `None` behind the last. What stands
    /// before a line that stops the reading is given first, and the error by the next call.
    pub fn part(&mut self) -> Result<Option<Vec<Statement>>, ClientError> {
        if let Some(error) = self.stopped.take() {
            return Err(error);
        }
        if self.is_over {
            return Ok(None);
        }
        loop {
            match self.line() {
                Ok(true) => {}
                Ok(false) => return Ok(self.rest()),
                Err(error) => {
                    self.reader.stopped(&mut self.log);
                    let Some(rest) = self.rest() else { return Err(error) };
                    self.stopped = Some(error);
                    return Ok(Some(rest));
                }
            }
            let statements = self.log.statements.len().saturating_sub(self.left.0);
            let bytes = self.log.text_bytes().saturating_sub(self.left.1);
            if statements >= PART || bytes >= PART_BYTES {
                let going_on = self.reader.going_on(&mut self.log, 0);
                let done = self.log.take_done(&going_on);
                self.left = (self.log.statements.len(), self.log.text_bytes());
                if !done.is_empty() {
                    return Ok(Some(done));
                }
            }
        }
    }

    /// All statements that are left; `None` where there are none. Nothing is read behind them.
    fn rest(&mut self) -> Option<Vec<Statement>> {
        self.is_over = true;
        let rest = self.log.take_done(&HashSet::new());
        Some(rest).filter(|it| !it.is_empty())
    }

    /// Reads all that is left, and gives the log with all its statements.
    pub(crate) fn whole(mut self) -> Result<Log, ClientError> {
        while self.line()? {}
        Ok(self.log)
    }

    /// What is known of the log so far.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What was read behind the line in which it began is kept.
    pub(crate) fn keep_late(&mut self) {
        self.log.late = Some(Vec::new());
    }

    /// Reads a line; whether there was one.
    fn line(&mut self) -> Result<bool, ClientError> {
        loop {
            if let Some(file) = &mut self.file {
                if file.read(&mut *self.reader, self.skip_unknown, &mut self.log)? {
                    return Ok(true);
                }
                let over = file.is_over(self.skip_unknown, &mut self.log);
                self.file = None;
                over?;
            }
            let Some(path) = self.paths.get(self.begun) else { return Ok(false) };
            let lines = (self.open)(path);
            let lines =
                lines.map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))?;
            self.begun += 1;
            let is_last = self.begun == self.paths.len();
            self.file = Some(LogFile::new(lines, path, is_last, &mut self.log));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;
    use crate::mapping::Mapping;

    const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
log_line_prefix = '%m [%p] %u@%d '
[relations]
"population.civil.resident" = "civil.resident"
"population.population.resident" = "civil.resident"
"#;
    const READ: &str = "READ,SELECT,TABLE,civil.resident,select 1,<none>,1";

    fn json(session: u64, number: u64) -> String {
        let line = serde_json::json!({
            "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
            "session_id": format!("6b.{session:x}"), "line_num": number, "error_severity": "LOG",
            "message": format!("AUDIT: SESSION,{number},1,{READ}"),
        });
        format!("{line}\n")
    }

    fn text(number: u64, message: &str) -> String {
        format!("2026-11-23 04:32:01.521 CST [{number}] app@population LOG:  {message}\n")
    }

    /// The parts of a log's files, by references, with what can't be told of each statement; and how it ended.
    fn parts(
        source: Source,
        files: &[String],
        skip: bool,
    ) -> (Vec<(String, usize)>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = |at: usize| folder.path().join(at.to_string());
        let paths: Vec<PathBuf> = (0..files.len()).map(path).collect();
        for (path, text) in paths.iter().zip(files) {
            std::fs::write(path, text).unwrap();
        }
        let mapping: Mapping = toml::from_str(MAPPING).unwrap();
        let mut reading = source.reading(&paths, &mapping, skip).unwrap();
        let mut all = Vec::new();
        let error = loop {
            match reading.part() {
                Ok(Some(part)) => {
                    all.extend(part.into_iter().map(|it| (it.reference, it.untold.len())))
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        assert!(matches!(reading.part(), Ok(None)), "nothing is read behind the end");
        assert_eq!(reading.log().count(), all.len());
        (all, error)
    }

    #[test]
    fn what_stands_before_a_line_that_stops_is_given_out() {
        let good: String = (0..5_002).map(|it| json(it, 1)).collect();
        let (all, error) =
            parts(Source::Pgaudit, &[format!("{good}no json\n{}", json(9_999, 1))], false);
        assert_eq!(all.len(), 5_002);
        assert!(error.is_some_and(|it| it.contains("line 5003")));
        // Also where it is a file that does not open, or nothing stands before it.
        let (all, error) = parts(Source::Pgaudit, &["no json\n".to_owned()], false);
        assert!(all.is_empty() && error.is_some());
    }

    /// An entry of text is over where a line comes that is none of its own; the one that stops is not.
    #[test]
    fn an_entry_of_text_before_a_line_that_stops() {
        let read = |it| text(it, &format!("AUDIT: SESSION,{it},1,{READ}"));
        let (all, error) =
            parts(Source::Pgaudit, &[format!("{}{}what\n{}", read(1), read(2), read(3))], false);
        assert_eq!((all.len(), error.is_some()), (2, true));
        let bad = text(2, "AUDIT: SESSION,7");
        let (all, error) = parts(Source::Pgaudit, &[format!("{}{bad}{}", read(1), read(3))], false);
        assert_eq!((all.len(), error.is_some()), (1, true));
    }

    /// Nobody goes on with a torn file behind which another stands: what it was torn in is told, as not all of it.
    #[test]
    fn a_torn_file_before_another() {
        let read = |it| text(it, &format!("AUDIT: SESSION,{it},1,{READ}"));
        let torn = |line: &str| {
            let files = [format!("{}{}\tand fur", read(1), line), read(3)];
            let (all, error) = parts(Source::Pgaudit, &files, true);
            assert!(error.is_none());
            all.into_iter().map(|(_, untold)| untold.min(1)).collect::<Vec<_>>()
        };
        assert_eq!(torn(&read(2)), [0, 1, 0]);
        let open = "AUDIT: SESSION,2,1,READ,SELECT,TABLE,civil.resident,\"select";
        assert_eq!(torn(&text(2, open)), [0, 1, 0]);
        let error = text(2, "what").replace("LOG:", "ERROR:");
        assert_eq!(torn(&error), [0, 1, 0]);
        assert_eq!(torn(&text(2, "checkpoint complete")), [0, 0]);
        // It stops there where lines are not skipped, and the last file's end is left for the next run.
        let (all, error) = parts(Source::Pgaudit, &[format!("{}\tand", read(1)), read(2)], false);
        assert_eq!((all.len(), error.is_some()), (1, true));
        let (all, _) = parts(Source::Pgaudit, &[format!("{}\tand", read(1))], false);
        assert_eq!(all.len(), 0);
    }

    #[test]
    fn a_torn_file_of_mariadb_before_another() {
        let line = |it: &str| format!("20261128 21:40:00,db1,app,10.0.0.7,42,{it}");
        let table = line("7,READ,population,resident,");
        let torn = format!("{table}\n{}", line("7,QUERY,population,'select"));
        let next = format!("{}\n", line("8,READ,population,resident,"));
        let (all, error) = parts(Source::Mariadb, &[torn.clone(), next], true);
        assert_eq!((all.len(), error), (2, None));
        assert_eq!(parts(Source::Mariadb, &[torn], true).0.len(), 0, "the next run goes on");
    }

    /// Of a stream: what a session or a connection did last is given out though it says nothing more.
    #[test]
    fn the_last_statement_of_a_stream() {
        let entry = text(1, &format!("AUDIT: SESSION,1,1,{READ}"));
        let table =
            "20261128 21:40:00,db1,app,10.0.0.7,42,7,READ,population,resident,\n".to_owned();
        for (source, line, is_quiet) in [
            (Source::Pgaudit, json(1, 1), false),
            // A line of text may go on in the next.
            (Source::Pgaudit, entry, true),
            (Source::Mariadb, table, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            std::fs::write(&path, &line).unwrap();
            let mapping: Mapping = toml::from_str(MAPPING).unwrap();
            let files = crate::tail::Files::of(&path).unwrap();
            let tail = crate::tail::Tail::new(files, std::time::SystemTime::UNIX_EPOCH);
            let reader = source.reader(&mapping).unwrap();
            let mut reading = Reading::of_stream(reader, Box::new(tail), &path);
            let (began, mut given) = (std::time::Instant::now(), Vec::new());
            while given.is_empty() && began.elapsed().as_secs() < 30 {
                given = reading.now(u64::MAX, is_quiet).unwrap().0;
                std::thread::yield_now();
            }
            assert_eq!(given.len(), 1, "{line}");
            assert!(reading.now(u64::MAX, true).unwrap().0.is_empty(), "{line}");
        }
    }
}
