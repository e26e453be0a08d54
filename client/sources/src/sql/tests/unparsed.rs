//! Texts that can't be parsed.

use super::*;
use Dialect::{MySql, Postgres};

fn named(text: &str, dialect: Dialect) -> Vec<String> {
    mentions(text, dialect).iter().map(ToString::to_string).collect()
}

#[test]
fn names_stand_outside_comments_and_literals() {
    let cut = "SELECT r.\"姓名\", 'x from secret' FROM Civil.Resident r -- from hidden\n WHERE \"a\"\"b\" = $$ no $$ AND c = 'cut";
    assert!(told(cut, Postgres, &Schema::default()).is_none());
    let expected = ["select", "r.姓名", "from", "civil.resident", "r", "where", "a\"b", "and", "c"];
    assert_eq!(named(cut, Postgres), expected);
    let cut = "select `a.b` from Db.`T` # from hidden\n where x = \"from y\" and z = 'cut\\'";
    assert_eq!(named(cut, MySql), ["select", "a.b", "from", "Db.T", "where", "x", "and", "z"]);
    assert_eq!(named("frobnicate db.s.t . u", Postgres), ["frobnicate", "t.u"]);
    assert_eq!(named("a b a", Postgres), ["a", "b"]);
    assert_eq!(named("", Postgres), Vec::<String>::new());
}

#[test]
fn first_words_say_an_operation() {
    use Operation::{Admin, Delete, Export, Insert, Read, Update};
    let all = [
        ("select 'cut", Some(Read)),
        ("/* x */ -- y\n insert into t values ('cut", Some(Insert)),
        ("/* outer /* inner */ still */ update civil.resident set name='cut", Some(Update)),
        ("merge into t 'cut", Some(Update)),
        ("with d as (select 1) delete from t where 'cut", Some(Delete)),
        ("with d as (select 'cut", Some(Read)),
        ("(select 'cut", Some(Read)),
        ("truncate t 'cut", Some(Delete)),
        ("copy t (a) to 'cut", Some(Export)),
        ("copy t from 'cut", Some(Insert)),
        ("drop table t 'cut", Some(Admin)),
        ("frobnicate t", None),
        ("'select", None),
        ("", None),
    ];
    for (text, expected) in all {
        assert_eq!(first_operation(text, Postgres), expected, "{text}");
    }
    assert_eq!(first_operation("replace into t values ('cut", MySql), Some(Insert));
}

#[test]
fn what_is_not_understood_is_not_told() {
    let postgres = [
        "select * from t where 'cut off",
        "select * from t where (a = 1",
        "frobnicate t",
        "copy t from stdin;\n1\t2\n\\.\ndelete from u",
        "select * from rows from (f(1), g(2)) as x",
        "select 1; frobnicate t",
        "insert into t (a",
        "explain analyze frobnicate",
    ];
    for text in postgres {
        assert_eq!(touches(text, Postgres, &Schema::default()), "not parsed", "{text}");
    }
}

#[test]
fn catalogues_are_the_systems() {
    for it in
        ["pg_class", "pg_catalog.x", "information_schema.tables", "pg_temp_3.tt", "pg_toast.x"]
    {
        assert!(is_systems(&name(it), Postgres), "{it}");
    }
    for it in ["resident", "civil.pg_class", "mysql.user"] {
        assert!(!is_systems(&name(it), Postgres), "{it}");
    }
    for it in ["mysql.user", "INFORMATION_SCHEMA.TABLES", "sys.x", "performance_schema.x"] {
        assert!(is_systems(&name(it), MySql), "{it}");
    }
    assert!(!is_systems(&name("pg_class"), MySql));
}
