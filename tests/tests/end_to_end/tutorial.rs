//! The tutorial's commands, run against four node processes as a reader would run them: in one shell,
//! one block after the other. What stands in the boxes is demanded of the output.

use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// A block of commands, and lines of which each must stand somewhere in its output.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    commands: String,
    shown: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn steps(file: &str) -> anyhow::Result<Vec<Step>> {
    let text = std::fs::read_to_string(root().join("docs").join(file))?;
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = "";
    for line in text.lines() {
        match (inside, line) {
            ("", "```sh") => {
                inside = "sh";
                steps.push(Step::default());
            }
            ("", "```text") => inside = "text",
            (_, "```") => inside = "",
            ("sh", line) => {
                let step = steps.last_mut().context("commands outside of a block")?;
                step.commands += line;
                step.commands.push('\n');
            }
            ("text", line) => {
                let step = steps.last_mut().context("output before any commands")?;
                step.shown.push(spaced(line));
            }
            _ => {}
        }
    }
    Ok(steps)
}

/// Columns are as wide as what stands in them: one space is as good as many.
fn spaced(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn both_languages_have_the_same_commands() -> anyhow::Result<()> {
    for name in ["tutorial", "tutorial-accesses"] {
        let (english, chinese) = (steps(&format!("{name}.md"))?, steps(&format!("{name}.zh.md"))?);
        assert_eq!(english, chinese, "{name}");
    }
    Ok(())
}

/// Stops the nodes, however the test ends.
struct Week(PathBuf);

impl Drop for Week {
    fn drop(&mut self) {
        if self.0.join("pids").exists() {
            let down = Command::new(root().join("scripts/network/week/down")).arg(&self.0).status();
            if !down.is_ok_and(|status| status.success()) {
                eprintln!("the nodes of {} were not stopped", self.0.display());
            }
        }
    }
}

/// One network at a time: the machine may be small.
static ONE: Mutex<()> = Mutex::new(());

#[test]
fn the_week_is_as_told() -> anyhow::Result<()> {
    is_as_told("tutorial.md")
}

#[test]
fn the_second_week_is_as_told() -> anyhow::Result<()> {
    is_as_told("tutorial-accesses.md")
}

fn is_as_told(file: &str) -> anyhow::Result<()> {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir()?;
    let week = Week(folder.path().join("week"));
    let mut programs = std::env::current_exe()?;
    programs.pop();
    if programs.ends_with("deps") {
        programs.pop();
    }
    let steps = steps(file)?;
    assert!(steps.len() > 15, "{} blocks", steps.len());
    let mut script = String::from("set -euo pipefail\nexec 2>&1\n");
    for (number, step) in steps.iter().enumerate() {
        script += &format!("echo '=== {number}'\n{}", step.commands);
    }
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(root())
        .env("FOLDER", &week.0)
        .env("LIUHEN_BIN", &programs)
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .stdin(Stdio::null())
        .output()?;
    let all = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{all}", output.status);
    for (number, step) in steps.iter().enumerate() {
        let begin = format!("=== {number}\n");
        let said = all.split(&begin).nth(1).context("a block that did not run")?;
        let said = said.split("\n=== ").next().unwrap_or_default();
        let lines: Vec<String> = said.lines().map(spaced).collect();
        for wanted in &step.shown {
            let stands = lines.iter().any(|line| line.contains(wanted.as_str()));
            assert!(stands, "`{wanted}` is not shown by\n{}\nbut:\n{said}", step.commands);
        }
    }
    Ok(())
}
