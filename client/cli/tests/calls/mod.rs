//! The calls of the command whose output is kept.

/// How a good call's output is kept.
#[derive(Clone, Copy)]
pub enum Kept {
    /// As table and as JSON, in both languages.
    InAllForms,
    /// In both languages: it shows no rows.
    InBothLanguages,
    /// Once: it is the same in all.
    Once,
    /// Once, and of it so many lines.
    Beginning(usize),
    /// As table and as JSON; long hexadecimal numbers are random, and left out.
    ButForNumbers,
}

use Kept::{Beginning, ButForNumbers, InAllForms, InBothLanguages, Once};

/// A noun, its good calls, and bad ones.
pub type Calls = (&'static str, &'static [(Kept, &'static str)], &'static [&'static str]);

/// Of each noun the calls whose output is kept.
pub const CALLS: &[Calls] = &[
    (
        "ack",
        &[
            (
                InAllForms,
                "ack list --grant pension-2026-001 --hour 2026-11-02T10:00:00+08:00 --key user.pem",
            ),
            (InAllForms, "ack missing --grant pension-2026-001 --key user.pem"),
            (
                ButForNumbers,
                "ack confirm --grant pension-2026-001 --hour 2026-11-02T10:00:00+08:00 --key user.pem",
            ),
        ],
        &[
            "ack missing nothing-such",
            "ack missing --grant nothing-such --key user.pem",
            "ack dispute --grant pension-2026-001 --hour 2026-11-02T10:00:00+08:00 --key user.pem --reason x 99",
        ],
    ),
    (
        "alert",
        &[
            (InAllForms, "alert list --key key.pem"),
            (InAllForms, "alert list --all --key key.pem"),
            (ButForNumbers, "alert acknowledge 2 --key key.pem"),
        ],
        &["alert close x"],
    ),
    (
        "audit",
        &[
            (InAllForms, "audit reads --kept reads.jsonl"),
            (ButForNumbers, "audit open spring --until 2026-12-01 --key auditor.pem"),
        ],
        &["audit open", "audit reads", "audit reads --kept unsaid.jsonl"],
    ),
    (
        "case",
        &[
            (InAllForms, "case list --key key.pem"),
            (
                ButForNumbers,
                "case open --reference case-2 --against gz.psb --reason rows --record civil.resident:gz.psb/gateway#41 \
                 --under pension-2026-001 --key user.pem",
            ),
            (ButForNumbers, "case answer case-1 --text wrong --key key.pem"),
        ],
        &[
            "case answer",
            "case answer nothing-such --text x --key key.pem",
            "case open --reference case-2 --reason x --key user.pem",
            "case open --reference case-2 --reason x --correction case-1 --key user.pem",
            "case open --reference case-2 --reason x --record civil.resident --key user.pem",
            "case open --reference case-2 --reason x --integrity gz.psb --key user.pem",
            "case open --reference case-2 --reason x --version civil.resident --key user.pem",
        ],
    ),
    ("completions", &[(Beginning(16), "completions bash")], &["completions tcsh"]),
    ("consortium", &[(InAllForms, "consortium")], &["consortium --output xml"]),
    (
        "correction",
        &[
            (InAllForms, "correction list --key key.pem"),
            (
                InAllForms,
                "correction show 9999999999999999999999999999999999999999999999999999999999999999 --key key.pem",
            ),
        ],
        &[
            "correction agree",
            "correction agree wrong-mapping --key key.pem",
            "correction show 9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a --key key.pem",
            "correction show 9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b9b --key key.pem",
        ],
    ),
    (
        "dataset",
        &[
            (InAllForms, "dataset list"),
            (
                ButForNumbers,
                "dataset publish civil.resident --rows 1300 --added 100 --key key.pem --content-digest \
                 0707070707070707070707070707070707070707070707070707070707070707",
            ),
        ],
        &[
            "dataset register civil.x --grade 9",
            "dataset publish nothing-such --rows 1 --content-digest 07 --key key.pem",
            "dataset retire civil.resident --reason x --key key.pem",
        ],
    ),
    (
        "gateway",
        &[
            (InAllForms, "gateway show gz.psb/gateway"),
            (ButForNumbers, "gateway loss gz.psb/gateway 7 8 --cause disk --key key.pem"),
        ],
        &["gateway show gz.psb/none", "gateway show gz.psb"],
    ),
    (
        "genesis",
        &[(InBothLanguages, "genesis --out new.pb")],
        &["genesis", "genesis --out no/such.pb"],
    ),
    (
        "grant",
        &[
            (InAllForms, "grant list"),
            (ButForNumbers, "grant suspend pension-2026-001 --reason x --key key.pem"),
        ],
        &[
            "grant suspend nothing-such --reason x",
            "grant suspend nothing-such --reason x --key key.pem",
            "grant suspend statistics --reason x --key key.pem",
            "grant suspend statistics@civil.resident --reason x --key key.pem",
            "grant revoke pension-2026-001 --reason x --key key.pem",
        ],
    ),
    (
        "identity",
        &[
            (InAllForms, "identity show gz.bdb/portal"),
            (Once, "identity show gz.bdb/portal --did"),
            (InAllForms, "identity show gz.bdb/auditor"),
        ],
        &[
            "identity show gz.bdb",
            "identity show gz.bdb/none",
            "identity rotate gz.psb/officer --end 07 --key key.pem",
        ],
    ),
    (
        "import",
        &[
            (InAllForms, "import check server.json"),
            (InAllForms, "import check server.json --mapping known.toml"),
        ],
        &[
            "import check server.json --mapping population.toml",
            "import oracle x --mapping y",
            "import pgaudit x",
        ],
    ),
    (
        "integrity",
        &[
            (InAllForms, "integrity list gz.psb"),
            (InAllForms, "integrity show gz.psb"),
            (InAllForms, "integrity recompute gz.psb/gateway"),
        ],
        &["integrity list gz.psb --limit x", "integrity recompute gz.bdb"],
    ),
    (
        "key",
        &[(InAllForms, "key show --key key.pem"), (ButForNumbers, "key new --plain --out new.pem")],
        &["key show", "key new --plain --out key.pem"],
    ),
    (
        "member",
        &[
            (InAllForms, "member departments"),
            (InAllForms, "member identities"),
            (InAllForms, "member identities --department gz.psb"),
            (ButForNumbers, "member suspend gz.psb --reason x --key user.pem"),
        ],
        &[
            "member suspend",
            "member remove gz.none --reason x --key user.pem",
            "member remove gz.psb --reason x --key user.pem",
        ],
    ),
    (
        "platform",
        &[
            (InAllForms, "platform read approvals.csv --mapping approvals.toml"),
            (InAllForms, "platform read catalogue.csv --mapping catalogue.toml"),
            (
                ButForNumbers,
                "platform state catalogue.csv --mapping catalogue.toml --out kept.json --key key.pem",
            ),
        ],
        &[
            "platform read approvals.csv",
            "platform read approvals.csv --mapping catalogue.toml",
            "platform read catalogue.toml --mapping catalogue.toml",
            "platform compare approvals.csv",
            "platform verify approvals.csv",
        ],
    ),
    (
        "product",
        &[
            (InAllForms, "product list --key key.pem"),
            (ButForNumbers, "product approve statistics-2026 --key key.pem"),
        ],
        &[
            "product recall",
            "product approve nothing-such --key key.pem",
            "product recall statistics-2026 --reason x --key user.pem",
        ],
    ),
    (
        "proposal",
        &[
            (InAllForms, "proposal list"),
            (InAllForms, "proposal show protocol-2 --key key.pem"),
            (
                InAllForms,
                "proposal new --key key.pem --reference p-1 --dry-run parameters --set decide_days=5",
            ),
            (
                InAllForms,
                "proposal new --key key.pem --reference p-1 --dry-run member gz.psb --change suspend",
            ),
            (ButForNumbers, "proposal vote protocol-2 --key user.pem"),
        ],
        &[
            "proposal new parameters --set days=1",
            "proposal show --key key.pem nothing-such",
            "proposal vote again --key user.pem",
        ],
    ),
    (
        "prove",
        &[
            (InBothLanguages, "prove trail dataset civil.resident"),
            (InBothLanguages, "prove trail dataset civil.resident --parts --out parts"),
            (InBothLanguages, "prove state department gz.psb --witnessed"),
            (InBothLanguages, "prove state case case-1 --key key.pem"),
            (InBothLanguages, "prove state proposal protocol-2"),
            (InBothLanguages, "prove event gz.psb/gateway#41"),
            (InBothLanguages, "prove absence number 0 grant pension-2026-001"),
            (InBothLanguages, "prove tlog 0 --out header.proof"),
        ],
        &[
            "prove state nothing x",
            "prove state grant nothing-such",
            "prove state case case-2 --key key.pem",
            "prove state key gz.psb",
            "prove event gz.psb/gateway#41 0",
            "prove event gz.psb/gateway#99",
            "prove event nothing-such",
            "prove absence number x dataset civil.resident",
            "prove subject gz.psb",
            "prove fork psb.trace psb.trace",
            "prove omission psb.trace psb.trace",
        ],
    ),
    (
        "reconcile",
        &[(InAllForms, "reconcile check clean.result")],
        &[
            "reconcile",
            "reconcile check nothing-such",
            "reconcile -o json check nothing-such",
            "reconcile check bent.result",
            "reconcile check differs.result",
        ],
    ),
    (
        "record",
        &[
            (
                ButForNumbers,
                "record --dataset civil.resident --grant pension-2026-001 --asker gz.bdb/portal --rows 3 --key gateway.pem",
            ),
            (
                ButForNumbers,
                "record --dataset civil.resident --unmapped-account nightly --channel log --time \
                 2026-11-02T10:00:00+08:00 --key gateway.pem",
            ),
        ],
        &[
            "record",
            "record --dataset civil.resident --rows 3 --key gateway.pem",
            "record --dataset civil.resident --grant nothing-such --asker gz.bdb/portal --key gateway.pem",
            "record --dataset civil.resident --asker gz.bdb/none --key gateway.pem",
        ],
    ),
    (
        "report",
        &[
            (
                InBothLanguages,
                "report evidence seen.trace --genesis genesis.pb --out pack --witness WITNESS",
            ),
            (
                InBothLanguages,
                "report evidence psb.trace --genesis genesis.pb --out pack.zip --unwitnessed",
            ),
        ],
        &[
            "report evidence nothing-such --genesis x --out y",
            "report evidence psb.trace --genesis genesis.pb --out pack",
            "report evidence server.json --genesis genesis.pb --out pack",
        ],
    ),
    (
        "request",
        &[
            (InAllForms, "request list"),
            (InAllForms, "request list --dataset civil.household"),
            (
                ButForNumbers,
                "request new --dataset civil.resident --reference p-2 --purpose pension-payment --legal-basis \
                 social-insurance-law --operation read --identity gz.bdb/portal --key user.pem",
            ),
        ],
        &[
            "request approve",
            "request approve statistics --key key.pem",
            "request new --dataset civil.none --reference p-2 --purpose x --legal-basis y --key user.pem",
        ],
    ),
    (
        "sealing",
        &[
            (InAllForms, "sealing list --key key.pem"),
            (InAllForms, "sealing counts --key key.pem"),
            (ButForNumbers, "sealing order gz.psb --decision x --open-by 2026-12-01 --key key.pem"),
        ],
        &["sealing order", "sealing extend gz.psb --decision x --open-by 2026-12-01 --key key.pem"],
    ),
    ("status", &[(InAllForms, "status")], &["status --node ftp://x"]),
    (
        "tag",
        &[
            (InAllForms, "tag list --collector gz.psb"),
            (Once, "tag tags 2026 --plain --collector gz.psb"),
            (InAllForms, "tag subject --plain --collector gz.psb"),
        ],
        &["tag new x", "tag tags 2025 --plain --collector gz.psb", "tag list"],
    ),
    (
        "trail",
        &[
            (InAllForms, "trail dataset civil.resident"),
            (InAllForms, "trail grant pension-2026-001"),
            (InAllForms, "trail gateway gz.psb/gateway --newest-first --limit 2"),
            (InAllForms, "trail governance"),
            (InAllForms, "trail integrity gz.psb"),
            (InAllForms, "trail case case-1 --key key.pem"),
            (InAllForms, "trail story gz.psb/gateway#41"),
        ],
        &[
            "trail dataset",
            "trail nothing x",
            "trail department gz.none",
            "trail gateway gz.psb",
            "trail grant statistics",
            "trail case case-2 --key key.pem",
            "trail product nothing-such --key key.pem",
            "trail identity-integrity gz.psb/none",
            "trail key x",
            "trail subject gz.psb",
            "trail bulk-tags gz.psb/gateway",
            "trail story gz.psb/gateway#99",
            "trail story gz.psb/gateway#x",
            "trail story nothing-such",
            "trail dataset civil.resident --verdict good",
        ],
    ),
    (
        "watch",
        &[
            (InAllForms, "watch --from-height 1 --limit 3"),
            (InAllForms, "watch dataset civil.resident --limit 1"),
        ],
        &["watch --kind x", "watch story x"],
    ),
    (
        "witness",
        &[
            (Once, "witness key gov.example/witness --key key.pem"),
            (InBothLanguages, "witness attach psb.trace"),
        ],
        &["witness run", "witness attach server.json"],
    ),
];
