//! Whose columns are read, with and without a schema.

use super::*;
use Dialect::{MySql, Postgres};

fn known() -> Schema {
    schema(
        &[
            ("civil.resident", "id name household phone"),
            ("civil.household", "hid address phone"),
            ("s.k", "id x"),
            ("other.k", "id y"),
            ("t", "a b c"),
            ("u", "id a d"),
            ("civil.v", "id who place"),
        ],
        &[
            (
                "civil.v",
                "select r.id, upper(r.name) as who, h.address as place from civil.resident r join civil.household h on r.household = h.hid where h.phone <> ''",
            ),
            ("civil.one", "select id, name from civil.resident where phone is not null;"),
            ("civil.star", "select * from civil.resident"),
            ("civil.twice", "select who from civil.v"),
            ("civil.circle", "select * from civil.circle"),
            ("civil.bad", "select from where"),
        ],
    )
}

#[test]
fn by_the_schema() {
    let all = [
        ("select * from civil.resident", "read civil.resident(household,id,name,phone)"),
        ("select * from resident", "read resident(household,id,name,phone)"),
        ("select * from k", "read k(?)"),
        (
            "select r.* from civil.resident r join civil.household h on true",
            "read civil.resident(household,id,name,phone) read civil.household()",
        ),
        (
            "select name, address from civil.resident, civil.household where household = hid",
            "read civil.resident(household,name) read civil.household(address,hid)",
        ),
        (
            "select name from civil.resident where exists (select * from civil.household where hid = household)",
            "read civil.resident(household,name) read civil.household(hid)",
        ),
        (
            "select name from civil.resident where phone in (select phone from civil.household)",
            "read civil.resident(name,phone) read civil.household(phone)",
        ),
        ("select a from t join u using (a)", "read t(a) read u(a)"),
        ("select d from t natural join u", "read t(a) read u(a,d)"),
        ("select * from t natural join unknown", "read t(?) read unknown(?)"),
        ("select r from civil.resident r", "read civil.resident(household,id,name,phone)"),
        (
            "select row_to_json(r) from civil.resident r",
            "read civil.resident(household,id,name,phone)",
        ),
        ("select count(r.*) from civil.resident r", "read civil.resident(household,id,name,phone)"),
        ("select upper(name) as n from civil.resident order by n", "read civil.resident(name)"),
        ("select upper(name) as n from civil.resident group by n", "read civil.resident(name)"),
        (
            "select upper(name) as phone from civil.resident group by phone",
            "read civil.resident(name,phone)",
        ),
        ("select id as phone from civil.resident order by phone", "read civil.resident(id)"),
        (
            "select id as phone from civil.resident order by upper(phone)",
            "read civil.resident(id,phone)",
        ),
        ("select ctid, id from civil.resident", "read civil.resident(id)"),
        ("select newcolumn from civil.resident", "read civil.resident(?)"),
        ("select r.newcolumn from civil.resident r", "read civil.resident(?)"),
        ("select a, z from t, unknown", "read t(a) read unknown(z)"),
        ("select z from unknown one, unknown two", "read unknown(?)"),
        ("insert into t values (1)", "insert t(a,b,c)"),
        ("insert into t default values", "insert t(a,b,c)"),
        ("delete from t", "delete t(a,b,c)"),
        ("truncate t", "delete t(a,b,c)"),
        ("copy civil.resident to stdout", "export civil.resident(household,id,name,phone)"),
        ("copy t from stdin", "insert t(a,b,c)"),
        ("update t set a = 1 from u where b = d", "update t(a,b) read u(d)"),
        (
            "insert into t (a) select a from u on conflict (a) do update set b = 1 where c = 2",
            "insert t(a) read u(a) update t(b,c)",
        ),
        (
            "merge into t using u on b = d when not matched then insert values (1, 2, 3)",
            "insert t(a,b,c) read u(d)",
        ),
        ("with x as (select a from t) select x.a, d from x, u", "read t(a) read u(d)"),
    ];
    check(Postgres, &known(), &all);
}

#[test]
fn through_views() {
    let all = [
        (
            "select id from civil.v",
            "read civil.v(id) read civil.resident(household,id) read civil.household(hid,phone)",
        ),
        (
            "select who, place from civil.v",
            "read civil.v(place,who) read civil.resident(household,name) read civil.household(address,hid,phone)",
        ),
        (
            "select count(*) from civil.v",
            "read civil.v() read civil.resident(household) read civil.household(hid,phone)",
        ),
        (
            "select * from civil.v",
            "read civil.v(id,place,who) read civil.resident(household,id,name) read civil.household(address,hid,phone)",
        ),
        (
            "select who from civil.twice",
            "read civil.twice(who) read civil.v(who) read civil.resident(household,name) read civil.household(hid,phone)",
        ),
        (
            "select name from civil.star",
            "read civil.star(name) read civil.resident(household,id,name,phone)",
        ),
        (
            "copy (select id from civil.one) to stdout",
            "export civil.one(id) export civil.resident(id,phone)",
        ),
        (
            "update civil.one set name = 'x'",
            "update civil.one(name) update civil.resident(name,phone)",
        ),
        ("drop view civil.one", "admin civil.one(?)"),
        ("select x from civil.circle", "read civil.circle(?)"),
        ("select x from civil.bad", "read civil.bad(x)"),
    ];
    check(Postgres, &known(), &all);
}

#[test]
fn unknown_rather_than_wrong() {
    let all = [
        ("select name from a, b", "read a(?) read b(?)"),
        ("select a.x, y from a, b", "read a(?) read b(?)"),
        ("select x from a where exists (select 1 from b where y = 1)", "read a(?) read b(?)"),
        ("select t from t", "read t(?)"),
        ("select r from civil.resident r", "read civil.resident(?)"),
        ("select upper(a) as n from t group by n", "read t(?)"),
        ("select upper(a) as n from t order by n", "read t(a)"),
        ("select x from t as y(x, z)", "read t(?)"),
        ("select id from a join b using (id)", "read a(id) read b(id)"),
        ("select id from a join b using (id) join c using (k)", "read a(?) read b(?) read c(k)"),
        ("select a.x from a natural join b", "read a(?) read b(?)"),
        ("select d.x from (select x, y from t) d", "read t(x,y)"),
        ("select x from (select x, y from t) d, u", "read t(x,y) read u()"),
        ("select z from (select x, y from t) d, u", "read t(x,y) read u(z)"),
        ("select z from (select * from t) d, u", "read t(?) read u(?)"),
        ("select other.x from t", "read t(?)"),
        ("select s.t.a, t.b from s.t", "read s.t(a,b)"),
        ("select x.t.a from s.t", "read s.t(?)"),
        ("select \"t\".\"a\" from T", "read t(a)"),
        ("select a from t order by b limit (select max(u.c) from u)", "read t(a,b) read u(c)"),
        ("select a from t union select b from u order by a", "read t(a) read u(b)"),
        (
            "select count(distinct a) filter (where b) over (order by c), max(d) within group (order by e) from t window w as (partition by f)",
            "read t(a,b,c,d,e,f)",
        ),
        ("select distinct on (a) b from t where c having d group by e", "not parsed"),
        (
            "select distinct on (a) b from t where c group by grouping sets ((e), ()), rollup (f) having d",
            "read t(a,b,c,d,e,f)",
        ),
        (
            "select case when a then b else c end, cast(d as int), e::text, f at time zone 'x', extract(year from g), (h).i from t",
            "read t(a,b,c,d,e,f,g,h)",
        ),
        (
            "select a -> 'x', b #> c, d[e], array[f], row(g, h), i collate \"C\", j is distinct from k from t",
            "read t(a,b,c,d,e,f,g,h,i,j,k)",
        ),
        ("select a from t tablesample bernoulli (10)", "read t(a)"),
        ("select u&\"d\\0061\" from t", "not parsed"),
        (
            "select lead(a) over (order by b rows between c preceding and current row) from t",
            "read t(a,b,c)",
        ),
    ];
    check(Postgres, &Schema::default(), &all);
}

#[test]
fn columns_of_mysql_have_no_case() {
    let all = [
        (
            "select NAME, Address from civil.resident, civil.household where HID = household",
            "read civil.resident(household,name) read civil.household(address,hid)",
        ),
        ("select R.NAME from civil.resident r", "read civil.resident(name)"),
        ("update t, u set D = 1 where b = 2", "read t(b) update u(d)"),
    ];
    check(MySql, &known(), &all);
}
