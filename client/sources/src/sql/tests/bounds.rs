//! Texts that are long, deep or cut off.

use super::*;
use Dialect::{MySql, Postgres};

fn in_both(text: &str) -> [String; 2] {
    [Postgres, MySql].map(|dialect| {
        let _ = (mentions(text, dialect), first_operation(text, dialect), comments(text, dialect));
        touches(text, dialect, &Schema::default())
    })
}

#[test]
fn deep_texts_are_not_parsed() {
    let many = 100_000;
    let all = [
        format!("select {}1{}", "(".repeat(many), ")".repeat(many)),
        format!("select {}", "(".repeat(many)),
        format!("select {}1{}", "f(".repeat(many), ")".repeat(many)),
        format!("select 1{}", "+1".repeat(many)),
        format!("select 1 where a{}", " or a".repeat(many)),
        format!("select a{}", "::int".repeat(many)),
        format!("select 1{}", " union select 1".repeat(many / 2)),
        format!("select a{}", "[1]".repeat(many)),
        format!("select {}a", "not ".repeat(many)),
        format!("select {}a", "- ".repeat(many)),
        format!("select {}1", "case when a then ".repeat(many / 4)),
        format!("select * from {}t{}", "(select * from ".repeat(many / 4), ") x".repeat(many / 4)),
        format!("{}select 1", "explain analyze ".repeat(many / 2)),
        format!("select {}", "(1+1+1+1+1+1+1+1+1+".repeat(many / 20)),
        format!("select {}", "[".repeat(many)),
        format!("select '{}'", "x".repeat(tokens::TEXT_BYTES)),
    ];
    for text in all {
        let start: String = text.chars().take(40).collect();
        assert_eq!(in_both(&text), ["not parsed", "not parsed"], "{start}");
    }
}

#[test]
fn what_is_just_in_bounds_fits_the_stack() {
    let chains = [
        ("+1", 1990),
        (" or a = 1", 990),
        (" union select 1", 1300),
        (" is null", 1990),
        (" + (1)", 1300),
    ];
    for (link, many) in chains {
        let text = format!("select a{}", link.repeat(many));
        assert!(!in_both(&text).contains(&"not parsed".to_owned()), "{link}");
    }
    let long = format!("select 1 from t where a in (1{})", ",1".repeat(100_000));
    assert_eq!(in_both(&long), ["read t(a)", "read t(a)"]);
    let rows = format!("insert into t (a, b) values (1, 2){}", ",(1, 2)".repeat(20_000));
    assert_eq!(in_both(&rows), ["insert t(a,b)", "insert t(a,b)"]);
    let nested = format!("select {}1 from t{}", "(select ".repeat(10), ")".repeat(10));
    assert_eq!(in_both(&nested), ["read t()", "read t()"]);
}

#[test]
fn nesting_up_to_the_bound_fits_the_stack() {
    let chain = format!("1{}", "+1".repeat(1500));
    let shapes = [
        ("select * from ", "(select * from ", "t", ") x"),
        ("select a from t where a in ", "(select a from t where a in ", "(1)", ")"),
        ("select ", "(select ", &chain, ")"),
        ("select ", "(", &chain, ")"),
        ("select ", "f(a, ", &chain, ")"),
        ("select ", "case when (a) then ", &chain, " end"),
        ("", "with x as (", "select 1", ") select * from x"),
        ("select * from ", "(", "a", " join b on true)"),
        ("select 1 where ", "exists (select 1 where not ", &chain, ")"),
        ("insert into t ", "(", "select 1", ")"),
        ("select * from a, ", "lateral (select * from a, ", "t", ") x"),
    ];
    for (head, open, core, close) in shapes {
        for deep in 1..60 {
            in_both(&format!("{head}{}{core}{}", open.repeat(deep), close.repeat(deep)));
        }
    }
}

#[test]
fn every_beginning_of_a_text_is_taken() {
    let text = "/*g='1'*/ WITH x AS (SELECT \"a\", $$ q $$, E'\\'' FROM s.t -- c\n) INSERT INTO 表 (a) \
                SELECT x.a FROM x ON CONFLICT (a) DO UPDATE SET b = 'y''z' /* d /* e */ */ RETURNING *; \
                COPY (SELECT 1) TO STDOUT WITH (FORMAT csv); SET LOCAL a.b = 'c'; GRANT SELECT ON t TO r";
    for (at, _) in text.char_indices() {
        in_both(&text[..at]);
        in_both(&text[at..]);
    }
}
