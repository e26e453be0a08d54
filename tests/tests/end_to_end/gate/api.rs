//! The local API as its description has it: a client that is generated from it decides and completes.

use super::{granted, recorded};
use liuhen_tests::actions::told;
use liuhen_tests::cluster::path_text;
use liuhen_tests::doors::{Gate, PORTAL_KEY, SECRET, get, has};
use liuhen_tests::proxies::beside;
use std::process::Command;

const SCRIPT: &str = r#"
import sys
from generated.api.default import begin_session, complete, continue_session, decide, end_session
from generated.client import AuthenticatedClient
from generated.models import Ending, Question, QuestionHeaders

base, secret, key = sys.argv[1:]
client = AuthenticatedClient(base_url=base, token=secret)
question = Question(
    request="generated", method="GET", uri="/residents/7", headers=QuestionHeaders.from_dict({"X-Api-Key": key})
)
answer = decide.sync(client=client, body=question)
print("serve", answer.serve, answer.access_no, answer.reason, answer.would_be_denied, answer.access is not None)
print("ended", complete.sync(client=client, body=Ending(request="generated", rows=3)).ended)
print("again", complete.sync(client=client, body=Ending(request="generated")).error)
session = Question(request="lasts", method="GET", uri="/residents/7", headers=QuestionHeaders.from_dict({"X-Api-Key": key}))
print("begun", begin_session.sync(client=client, body=session).again_ms > 0)
print("goes on", continue_session.sync(client=client, body=Ending(request="lasts", rows=2)).access_no)
print("over", end_session.sync(client=client, body=Ending(request="lasts", rows=1)).ended)
stranger = AuthenticatedClient(base_url=base, token="no secret of this door")
print("stranger", decide.sync(client=stranger, body=question).error)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_decides_and_completes() -> anyhow::Result<()> {
    let generator = beside("openapi-python-client");
    if !has(&generator.to_string_lossy()) {
        return Ok(());
    }
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    let described = get(gate.api, "/v1/openapi.json", &[]).await?;
    let (api, client) = (gate.folder.join("openapi.json"), gate.folder.join("generated"));
    std::fs::write(&api, described.body)?;
    let generate = Command::new(&generator)
        .args(["generate", "--meta", "none", "--path", path_text(&api)?])
        .args(["--output-path", path_text(&client)?])
        .output()?;
    assert!(client.join("client.py").exists(), "{}", told(&generate));
    std::fs::write(gate.folder.join("try.py"), SCRIPT)?;
    let base = format!("http://127.0.0.1:{}", gate.api);
    let tried = Command::new(beside("python"))
        .current_dir(&gate.folder)
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONPATH", &gate.folder)
        .args(["try.py", &base, SECRET, PORTAL_KEY])
        .output()?;
    let said = told(&tried);
    for expected in [
        "serve True 1 none False True",
        "ended True",
        "again no open access has this request's name",
        "begun True",
        "goes on 3",
        "over True",
        "stranger the door's secret is needed",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let all = recorded(&mut cluster, 3).await?;
    let mut rows: Vec<_> = all.iter().filter_map(|it| it["rows"].as_u64()).collect();
    rows.sort_unstable();
    assert_eq!(rows, [1, 2, 3]);
    Ok(())
}
