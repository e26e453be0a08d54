//! Statements on objects, read by their tokens: what stands in them besides names does not matter.

use super::Doing;
use super::names::{Dialect, Name};
use super::tokens::{Cursor, is_word};
use super::walk::Walk;
use liuhen_proto::wire::Operation;
use sqlparser::tokenizer::Token;

/// First words of statements that are of this kind, whatever they name.
const ADMIN: [&str; 15] = [
    "CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "COMMENT", "SECURITY", "IMPORT", "REASSIGN",
    "VACUUM", "ANALYZE", "ANALYSE", "CLUSTER", "REINDEX", "REFRESH",
];
const ADMIN_OF_MYSQL: [&str; 15] = [
    "RENAME",
    "OPTIMIZE",
    "REPAIR",
    "CHECK",
    "CHECKSUM",
    "FLUSH",
    "KILL",
    "CHANGE",
    "INSTALL",
    "UNINSTALL",
    "PURGE",
    "CACHE",
    "SHUTDOWN",
    "RESTART",
    "CLONE",
];

/// Goes through such a statement; the outer `None` where it is none, the inner where it can't be read.
pub(super) fn told(walk: &mut Walk<'_>, mut rest: Cursor<'_>) -> Option<Option<Doing>> {
    let is_any = |words: &[&str]| words.iter().any(|it| rest.is(it));
    let own = rest.dialect == Dialect::MySql && is_any(&ADMIN_OF_MYSQL);
    if !own && !is_any(&ADMIN) {
        return None;
    }
    let first = rest;
    rest.next();
    if first.is("CREATE")
        && let Some(query) = query_behind(rest)
    {
        return Some(made_by_query(walk, rest, query));
    }
    walk.schemas.extend(all_of_schemas(first, rest));
    let names = named(first, rest)?;
    for name in names {
        walk.touches(name, Operation::Admin, None);
    }
    Some(Some(Doing::Admin))
}

/// The schemas of `GRANT … ON ALL TABLES IN SCHEMA a, b`.
fn all_of_schemas(first: Cursor<'_>, mut rest: Cursor<'_>) -> Vec<String> {
    let grants = first.is("GRANT") || first.is("REVOKE");
    let mut schemas = Vec::new();
    if !grants || !rest.skip_to(&["ON"]) || !rest.eat_all(&["ON", "ALL", "TABLES", "IN", "SCHEMA"])
    {
        return schemas;
    }
    while let Some(schema) = rest.identifier() {
        schemas.push(schema);
        if !rest.eat_token(&Token::Comma) {
            break;
        }
    }
    schemas
}

/// The relations that a statement names. Of one that names other objects, none.
fn named(first: Cursor<'_>, mut rest: Cursor<'_>) -> Option<Vec<Name>> {
    let maintenance = ["VACUUM", "ANALYZE", "ANALYSE", "CLUSTER", "REINDEX"];
    let mysql = ["OPTIMIZE", "REPAIR", "CHECK", "CHECKSUM", "FLUSH"];
    let none = Some(Vec::new());
    if maintenance.iter().chain(&mysql).any(|it| first.is(it)) {
        return maintained(rest);
    }
    if first.is("REFRESH") {
        rest.skip_to(&["VIEW"]);
        rest.next();
        rest.eat("CONCURRENTLY");
        return rest.names();
    }
    if first.is("RENAME") {
        return if rest.eat("TABLE") { renamed(rest) } else { none };
    }
    if first.is("GRANT") || first.is("REVOKE") {
        return granted(rest);
    }
    if first.is("COMMENT") || first.is("SECURITY") {
        rest.skip_to(&["ON"]);
        rest.next();
        return commented(rest);
    }
    if !(first.is("CREATE") || first.is("ALTER") || first.is("DROP")) {
        return none;
    }
    on_object(first, rest)
}

fn on_object(first: Cursor<'_>, mut rest: Cursor<'_>) -> Option<Vec<Name>> {
    const KINDS: [&str; 20] = [
        "TABLE",
        "VIEW",
        "INDEX",
        "TRIGGER",
        "POLICY",
        "RULE",
        "FUNCTION",
        "PROCEDURE",
        "ROLE",
        "USER",
        "SCHEMA",
        "DATABASE",
        "SEQUENCE",
        "TYPE",
        "DOMAIN",
        "EXTENSION",
        "EVENT",
        "STATISTICS",
        "SERVER",
        "PUBLICATION",
    ];
    if !rest.skip_to(&KINDS) {
        return Some(Vec::new());
    }
    if rest.eat("TABLE") || rest.eat("VIEW") {
        let _ = rest.eat_all(&["IF", "NOT", "EXISTS"]) || rest.eat_all(&["IF", "EXISTS"]);
        if first.is("DROP") {
            return rest.names();
        }
        if rest.eat_all(&["ALL", "IN"]) {
            return Some(Vec::new());
        }
        rest.eat("ONLY");
        return Some(vec![rest.name()?]);
    }
    if rest.eat("PUBLICATION") {
        return published(rest);
    }
    let on_table = ["INDEX", "TRIGGER", "POLICY", "RULE", "STATISTICS"];
    if !on_table.iter().any(|it| rest.eat(it)) {
        return Some(Vec::new());
    }
    // `CREATE RULE r AS ON INSERT TO t`, `CREATE STATISTICS s ON a, b FROM t`, and `… ON t` for the others; an index of
    // PostgreSQL is altered and dropped without its table.
    let rule = first.rest.iter().any(|it| is_word(it, "RULE")) && first.is("CREATE");
    let statistics = first.rest.iter().any(|it| is_word(it, "STATISTICS"));
    let before = if rule {
        "TO"
    } else if statistics {
        "FROM"
    } else {
        "ON"
    };
    if !rest.skip_to(&[before]) {
        return Some(Vec::new());
    }
    rest.next();
    rest.eat("ONLY");
    Some(vec![rest.name()?])
}

/// `CREATE PUBLICATION p FOR TABLE a (x) WHERE (y), b` and `ALTER PUBLICATION p ADD TABLE a`.
fn published(mut rest: Cursor<'_>) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    if !rest.skip_to(&["TABLE"]) {
        return Some(names);
    }
    loop {
        rest.eat("TABLE");
        rest.eat("ONLY");
        names.push(rest.name()?);
        rest.eat_token(&Token::Mul);
        let _ = rest.group();
        if rest.eat("WHERE") {
            let _ = rest.group();
        }
        if !rest.eat_token(&Token::Comma) || rest.is("TABLES") {
            return Some(names);
        }
    }
}

/// Names behind options, each maybe with columns. `REINDEX INDEX`, `FLUSH LOGS` and the like name no relation.
fn maintained(mut rest: Cursor<'_>) -> Option<Vec<Name>> {
    let _ = rest.group();
    const OPTIONS: [&str; 9] = [
        "FULL",
        "FREEZE",
        "VERBOSE",
        "ANALYZE",
        "ANALYSE",
        "NO_WRITE_TO_BINLOG",
        "LOCAL",
        "CONCURRENTLY",
        "ONLY",
    ];
    while OPTIONS.iter().any(|it| rest.eat(it)) {}
    let others = [
        "INDEX",
        "SCHEMA",
        "DATABASE",
        "SYSTEM",
        "PRIVILEGES",
        "LOGS",
        "STATUS",
        "HOSTS",
        "BINARY",
        "ENGINE",
        "ERROR",
        "GENERAL",
        "SLOW",
        "RELAY",
        "OPTIMIZER_COSTS",
        "USER_RESOURCES",
    ];
    if others.iter().any(|it| rest.is(it)) && !matches!(rest.rest.get(1), Some(Token::Period)) {
        return Some(Vec::new());
    }
    let _ = rest.eat("TABLES") || rest.eat("TABLE");
    while OPTIONS.iter().any(|it| rest.eat(it)) {}
    let mut names = Vec::new();
    while let Some(Token::Word(_)) = rest.peek() {
        if rest.is("WITH") || rest.is("FOR") {
            break;
        }
        names.push(rest.name()?);
        // `CLUSTER i ON t` is how it once was written.
        if rest.eat("ON") {
            return Some(vec![rest.name()?]);
        }
        rest.eat_token(&Token::Mul);
        let _ = rest.group();
        if !rest.eat_token(&Token::Comma) {
            break;
        }
    }
    Some(names)
}

/// `RENAME TABLE a TO b, c TO d`: both names of each.
fn renamed(mut rest: Cursor<'_>) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    loop {
        names.push(rest.name()?);
        if !rest.eat("TO") {
            return None;
        }
        names.push(rest.name()?);
        if !rest.eat_token(&Token::Comma) {
            return Some(names);
        }
    }
}

fn granted(mut rest: Cursor<'_>) -> Option<Vec<Name>> {
    const OTHERS: [&str; 18] = [
        "FUNCTION",
        "PROCEDURE",
        "ROUTINE",
        "SCHEMA",
        "DATABASE",
        "SEQUENCE",
        "TYPE",
        "DOMAIN",
        "LANGUAGE",
        "FOREIGN",
        "LARGE",
        "TABLESPACE",
        "PARAMETER",
        "ALL",
        "FUNCTIONS",
        "PROCEDURES",
        "ROUTINES",
        "SEQUENCES",
    ];
    // Without ON, it is of a role.
    if !rest.skip_to(&["ON"]) {
        return Some(Vec::new());
    }
    rest.next();
    rest.eat("TABLE");
    if OTHERS.iter().any(|it| rest.is(it)) && !matches!(rest.rest.get(1), Some(Token::Period)) {
        return Some(Vec::new());
    }
    // MySQL's `*`, `*.*` and `db.*` name no relation.
    let up_to = rest.rest.iter().take_while(|it| !is_word(it, "TO") && !is_word(it, "FROM"));
    if up_to.into_iter().any(|it| *it == Token::Mul) {
        return Some(Vec::new());
    }
    rest.names()
}

fn commented(mut rest: Cursor<'_>) -> Option<Vec<Name>> {
    let _ = rest.eat("FOREIGN") || rest.eat("MATERIALIZED");
    if rest.eat("TABLE") || rest.eat("VIEW") {
        return Some(vec![rest.name()?]);
    }
    if rest.eat("COLUMN") {
        let mut parts = vec![rest.identifier()?];
        while rest.eat_token(&Token::Period) {
            parts.push(rest.identifier()?);
        }
        parts.pop();
        return Some(Name::of_parts(parts).into_iter().collect());
    }
    const ON_TABLE: [&str; 4] = ["TRIGGER", "POLICY", "RULE", "CONSTRAINT"];
    if ON_TABLE.iter().any(|it| rest.eat(it)) && rest.skip_to(&["ON"]) {
        rest.next();
        return Some(if rest.is("DOMAIN") { Vec::new() } else { vec![rest.name()?] });
    }
    Some(Vec::new())
}

/// The query from which CREATE TABLE and CREATE MATERIALIZED VIEW fill what they make.
fn query_behind(mut rest: Cursor<'_>) -> Option<Cursor<'_>> {
    let mut kind = rest;
    if !kind.skip_to(&["TABLE", "VIEW", "FUNCTION", "PROCEDURE", "TRIGGER", "RULE", "EVENT"]) {
        return None;
    }
    let fills = kind.is("TABLE")
        || (kind.is("VIEW") && rest.rest.iter().take(2).any(|it| is_word(it, "MATERIALIZED")));
    if !fills {
        return None;
    }
    while rest.skip_to(&["AS", "SELECT"]) {
        if rest.is("SELECT") {
            return (rest.dialect == Dialect::MySql).then_some(rest);
        }
        rest.next();
        const BEGINS: [&str; 5] = ["SELECT", "WITH", "VALUES", "TABLE", "EXECUTE"];
        if BEGINS.iter().any(|it| rest.is(it)) || rest.peek() == Some(&Token::LParen) {
            return Some(rest);
        }
    }
    None
}

/// What the query reads is read; what is made is an act on the schema, as pgAudit has it too.
fn made_by_query(walk: &mut Walk<'_>, mut rest: Cursor<'_>, query: Cursor<'_>) -> Option<Doing> {
    rest.skip_to(&["TABLE", "VIEW"]);
    rest.next();
    rest.eat_all(&["IF", "NOT", "EXISTS"]);
    let made = rest.name()?;
    let mut tokens = query.rest;
    let ends = |tokens: &[Token], words: &[&str]| {
        let behind = tokens.len().checked_sub(words.len()).and_then(|at| tokens.get(at..));
        behind.is_some_and(|it| it.iter().zip(words).all(|(token, word)| is_word(token, word)))
    };
    let empty = ends(tokens, &["WITH", "NO", "DATA"]);
    if empty || ends(tokens, &["WITH", "DATA"]) {
        let kept = tokens.len() - if empty { 3 } else { 2 };
        tokens = tokens.get(..kept)?;
    }
    if !empty && !query.is("EXECUTE") {
        walk.told(tokens)?;
    }
    walk.touches(made, Operation::Admin, None);
    Some(Doing::Admin)
}
