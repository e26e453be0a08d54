//! PostgreSQL's lines as syslog carries them (20.8.1): cut into pieces with numbers, control characters written as `#011`.

use super::Reader;
use super::stderr::Origin;
use crate::log::{Log, NotRead};
use crate::syslog::{self, Syslog};

impl Reader<'_> {
    /// A line of syslog. Those of other programs tell nothing.
    pub(super) fn of_syslog(
        &mut self,
        number: u64,
        line: &Syslog<'_>,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let (sequence, rest) = numbered(line.message);
        let text = syslog::unescaped(rest);
        let from = format!("{}/{}", line.host, line.process);
        let is_known = sequence.is_some() || line.tag.starts_with("postgres");
        let is_audit = text.windows(7).any(|it| it == b"AUDIT: ");
        let is_ours = is_known || is_audit || self.entries.begins(&text);
        if !is_ours && !self.entries.is_open(&from) {
            log.other_lines += 1;
            return Ok(());
        }
        // A process goes on with the next entry where the number is another.
        let origin = Origin { from, time: line.time.clone(), sequence, is_further: false };
        for (at, part) in text.split(|it| *it == b'\n').enumerate() {
            let further = match sequence {
                Some((entry, _)) if at > 0 => Some((entry, 2)),
                other => other,
            };
            let origin = Origin { sequence: further, is_further: at > 0, ..origin.clone() };
            self.text(number, part, &origin, at == 0, log)?;
        }
        Ok(())
    }
}

/// The number of an entry and of its piece, `[3-1] `, and what stands behind them.
fn numbered(message: &[u8]) -> (Option<(u64, u64)>, &[u8]) {
    let none = (None, message);
    let Some(rest) = message.strip_prefix(b"[") else { return none };
    let Some(end) = rest.iter().position(|it| *it == b']') else { return none };
    let (Some(inside), Some(rest)) = (rest.get(..end), rest.get(end + 1..)) else { return none };
    let text = std::str::from_utf8(inside).ok();
    let numbers = text.and_then(|it| it.split_once('-'));
    let numbers = numbers.and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
    match numbers {
        Some(numbers) => (Some(numbers), rest.strip_prefix(b" ").unwrap_or(rest)),
        None => none,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_before_a_message() {
        let cases = [
            ("[3-1] x", Some((3, 1)), "x"),
            ("[3-12]  from t", Some((3, 12)), " from t"),
            ("[3-] x", None, "[3-] x"),
            ("[local] x", None, "[local] x"),
            ("[99999999999999999999-1] x", None, "[99999999999999999999-1] x"),
        ];
        for (text, numbers, rest) in cases {
            assert_eq!(numbered(text.as_bytes()), (numbers, rest.as_bytes()), "{text}");
        }
    }
}
