//! Forms of PostgreSQL's statements, without a schema.

use super::*;
use Dialect::Postgres;

#[test]
fn reads() {
    let all = [
        ("select 1", ""),
        ("select a from t", "read t(a)"),
        ("select * from t", "read t(?)"),
        ("table civil.resident", "read civil.resident(?)"),
        ("table only t", "read t(?)"),
        ("values (1), (2)", ""),
        ("values ((select max(a) from t))", "read t(a)"),
        ("select 1 from t", "read t()"),
        ("select count(*) from t", "read t()"),
        ("select a from only t", "read t(a)"),
        ("select a from only (t)", "read t(a)"),
        ("select a from t * where b", "read t(a,b)"),
        ("select a from db.s.t", "read s.t(a)"),
        ("select A, \"B\" from S.\"T\"", "read s.T(B,a)"),
        ("select a from \"a.b\".\"c.d\"", "read a.b.c.d(a)"),
        ("select 姓名 from 居民 where \"身份证\" = 'x'", "read 居民(姓名,身份证)"),
        ("select a from t for no key update of t skip locked", "read t(a)"),
        ("select a from t for key share", "read t(a)"),
        ("select a from t for update", "read t(a)"),
        (
            "select a from t union select b from u except select c from v",
            "read t(a) read u(b) read v(c)",
        ),
        ("(select 1) union all (select a from t) order by 1", "read t(a)"),
        ("select (select max(x) from u where u.id = t.id) from t", "read t(?) read u(?)"),
        ("select (select max(u.x) from u where u.id = t.id) from t", "read t(id) read u(id,x)"),
        ("with x as (select a from t) select * from x", "read t(a)"),
        ("with t as (select * from t) select * from t", "read t(?)"),
        (
            "with recursive x(n) as (select id from t union all select n + 1 from x) select n from x",
            "read t(id)",
        ),
        ("with a as (select 1 as x), b as (select x from a) select x from b", ""),
        (
            "with d as (delete from civil.resident returning 1) select * from d",
            "delete civil.resident(?)",
        ),
        (
            "with u as (update t set a = 1 where b = 2 returning c) select * from u, v",
            "update t(a,b,c) read v(?)",
        ),
        ("select * from generate_series(1, 2) as g(x)", ""),
        ("select g from generate_series(1, 2) g", ""),
        ("select * from f(1) as x(a int, b text)", ""),
        (
            "select * from a, lateral (select b.x from b where b.id = a.id) c",
            "read a(?) read b(id,x)",
        ),
        ("select c from a, lateral f(a.x) c", "read a(x)"),
        (
            "select u.v from a cross join lateral unnest(a.x) with ordinality as u(v, n)",
            "read a(x)",
        ),
        ("select a.x from (a join b on a.id = b.id)", "read a(id,x) read b(id)"),
        ("select j.x from (a join b on true) j", "read a(?) read b(?)"),
        (
            "select * from xmltable('/x' passing (select t.d from t) columns a int path 'b')",
            "read t(d)",
        ),
    ];
    check(Postgres, &Schema::default(), &all);
}

#[test]
fn reads_in_other_forms() {
    let all = [
        ("declare \"big\" cursor for /*x*/ select a from civil.resident", "read civil.resident(a)"),
        (
            "declare c binary insensitive no scroll cursor with hold for select a from t for update",
            "read t(a)",
        ),
        ("explain select * from t", ""),
        ("explain (costs off) select * from t", ""),
        ("explain (analyze false) delete from t", ""),
        ("explain analyze select a from t", "read t(a)"),
        ("explain (analyze, buffers off) delete from t where a = 1", "delete t(a)"),
        ("explain verbose select a from t", ""),
        ("explain analyze verbose select a from t", "read t(a)"),
        ("copy civil.resident to stdout;", "export civil.resident(?)"),
        ("copy t (a, b) to '/tmp/x' with (format csv, header)", "export t(a,b)"),
        ("copy binary t to stdout", "export t(?)"),
        ("copy t to program 'gzip > x' with (format csv, force_quote *)", "export t(?)"),
        ("copy (select a from t where b) to stdout with (format binary)", "export t(a,b)"),
        ("copy (table t) to stdout", "export t(?)"),
        (
            "copy (with x as (select a from t) select * from x, u) to stdout",
            "export t(a) export u(?)",
        ),
        ("copy (delete from t where a = 1 returning b) to stdout", "delete t(a,b)"),
        ("select 1; delete from t where a = 1", "delete t(a)"),
        ("select a from t; select b from t", "read t(a,b)"),
        ("select a$b$ from secret where b$b$", "read secret(a$b$,b$b$)"),
        (
            "select a from t where a in (table u) or exists (table v)",
            "read t(a) read u(?) read v()",
        ),
        ("select a from t union all table u", "read t(a) read u(?)"),
        ("with x as (table u) table x", "read u(?)"),
        ("explain analyze (select a from t)", "read t(a)"),
        ("explain (select a from t)", ""),
        ("select a[1:b] from t", "read t(a,b)"),
        ("select json_object('a':b) from t", "read t(b)"),
        ("select N'x', B'1', X'1F', u&'\\0041', E'\\'' from t where a = $1", "read t(a)"),
        ("select a$b$ from t where x = $b$", "not parsed"),
        ("create table atomic (a int); delete from t", "admin atomic(?) delete t(?)"),
        (
            "create function f() returns int begin atomic select case when 1 then 2 end; delete from u; end; delete from t",
            "delete t(?)",
        ),
        (
            "select x from a where exists (select 1 from c, b join d using (id) where id = 1)",
            "read a(x) read c() read b(id) read d(id)",
        ),
        (
            "select 1 from a join b using (id) where exists (select 1 from c where id = 1)",
            "read a(id) read b(id) read c(?)",
        ),
        ("select d.y from a, (b join lateral (select a.x as y) d on true)", "read a(x) read b()"),
        ("select z.y, b.x from b", "read b(?)"),
        ("select 'a' 'b' from t", "read t()"),
        ("select 'delete from u', $$ drop table v $$ from t", "read t()"),
    ];
    check(Postgres, &Schema::default(), &all);
}

#[test]
fn lexical_forms() {
    let all = [
        ("select /* from u /* from v */ */ a from t -- from w", "read t(a)"),
        ("", ""),
        (";;", ""),
        ("select (t).name, (t).addr.city from t", "read t(?)"),
        ("select (f(t.x)).* from t", "read t(x)"),
        ("select t.a[1].b, (t.c).d from t", "read t(a,c)"),
        ("select a isnull, b notnull from t where c between symmetric 1 and 2", "read t(a,b,c)"),
        ("select f(variadic array[a]) from t", "read t(a)"),
        ("select a from t group by distinct a", "read t(a)"),
        ("select f(x => a, y := b) from t", "read t(a,b)"),
        ("select current_role, current_schema, current_user, current_date from t", "read t()"),
        (
            "select array(select b from u), x = any(select c from v) from t",
            "read t(?) read u(?) read v(?)",
        ),
    ];
    check(Postgres, &Schema::default(), &all);
}

#[test]
fn changes() {
    let all = [
        ("insert into t values (1)", "insert t(?)"),
        ("insert into t (a, b) values (1, default)", "insert t(a,b)"),
        ("insert into t default values", "insert t(?)"),
        ("insert into t (a) select x from s where y", "insert t(a) read s(x,y)"),
        ("insert into t (a) values (1) returning b", "insert t(a,b)"),
        ("insert into t (a) values (1) returning *", "insert t(?)"),
        ("insert into t as x (a) overriding user value values (1)", "insert t(a)"),
        ("with x as (select b from u) insert into t (a) select b from x", "read u(b) insert t(a)"),
        ("insert into t (a) values (1) on conflict do nothing", "insert t(a)"),
        (
            "insert into t (a) values (1) on conflict (id) do update set c = excluded.a where t.b > 1",
            "insert t(a,id) update t(b,c)",
        ),
        ("insert into t (a.b) values (1)", "insert t(a)"),
        ("update t set a = 1", "update t(a)"),
        (
            "update only t as x set (a, b) = (select 1, 2), c = default where x.d",
            "update t(a,b,c,d)",
        ),
        ("update t set a = s.b from s where t.id = s.id", "update t(a,id) read s(b,id)"),
        ("update t set a = 1 where current of c", "update t(a)"),
        (
            "update t set a = (select u.b from u where u.id = t.id) returning c",
            "update t(a,c,id) read u(b,id)",
        ),
        ("delete from t", "delete t(?)"),
        ("delete from t where a = 1", "delete t(a)"),
        ("-- nightly\ndelete from civil.resident", "delete civil.resident(?)"),
        ("delete from t using s where t.id = s.id returning t.x", "delete t(id,x) read s(id)"),
        ("delete from t where current of c", "delete t(?)"),
        ("truncate civil.resident;", "delete civil.resident(?)"),
        ("truncate table only a, b * restart identity cascade", "delete a(?) delete b(?)"),
        ("copy t from stdin", "insert t(?)"),
        ("copy t (a) from '/x' with (format csv, on_error ignore) where a > 1", "insert t(a)"),
        (
            "merge into t using s on t.id = s.id when matched and s.x then update set a = s.a \
             when matched then delete when not matched then insert (id, b) values (s.id, s.b)",
            "update t(a,id) delete t(id) insert t(b,id) read s(a,b,id,x)",
        ),
        (
            "merge into t x using (select id from s) s on x.id = s.id when not matched by source then delete \
             when matched then do nothing returning merge_action(), x.c",
            "delete t(c,id) read s(id)",
        ),
        (
            "merge into t using s on t.a = s.a when not matched then do nothing",
            "read t(a) read s(a)",
        ),
        (
            "merge into only t using s on t.a = s.a when not matched then insert default values",
            "insert t(?) read s(a)",
        ),
        (
            "merge into t using s on t.a = s.a when not matched then insert (b) overriding system value values (1)",
            "insert t(a,b) read s(a)",
        ),
        (
            "with d as (select 1 as a) merge into t using d on t.a = d.a when matched then delete",
            "delete t(a)",
        ),
    ];
    check(Postgres, &Schema::default(), &all);
}

#[test]
fn objects() {
    let all = [
        (
            "create temp table tt as select a from civil.resident",
            "read civil.resident(a) admin tt(?)",
        ),
        ("create unlogged table x as table y with no data", "admin x(?)"),
        (
            "create table if not exists s.x (a) with (fillfactor = 70) on commit drop as (select b from t) with data",
            "read t(b) admin s.x(?)",
        ),
        ("select a into tt from t", "admin tt(?) read t(a)"),
        ("create materialized view mv as select a from t with data", "read t(a) admin mv(?)"),
        ("create materialized view mv as select a from t with no data", "admin mv(?)"),
        ("refresh materialized view concurrently s.mv with data", "admin s.mv(?)"),
        ("create view v as select * from t", "admin v(?)"),
        (
            "create or replace view v with (security_barrier) as select * from t with check option",
            "admin v(?)",
        ),
        (
            "create table t (a int references u (id), b int generated always as (a + 1) stored)",
            "admin t(?)",
        ),
        ("create table t (like u including all)", "admin t(?)"),
        ("create table t partition of u for values in (1)", "admin t(?)"),
        ("create index concurrently i on only s.t using btree (a)", "admin s.t(?)"),
        ("create trigger x after insert on t for each row execute function f()", "admin t(?)"),
        ("create policy p on t using (a = 1)", "admin t(?)"),
        ("create rule r as on insert to t do also (delete from u; delete from v)", "admin t(?)"),
        ("create function f() returns int begin atomic delete from t; select 1; end", ""),
        ("create function f() returns int language sql as 'delete from t'", ""),
        ("create user u password 'x'", ""),
        ("alter table only t rename to u", "admin t(?)"),
        ("alter table if exists s.t detach partition u", "admin s.t(?)"),
        ("alter role r set my.x = 'v'", ""),
        ("alter default privileges in schema s grant select on tables to r", ""),
        ("drop table if exists a, s.b cascade", "admin a(?) admin s.b(?)"),
        ("drop materialized view mv", "admin mv(?)"),
        ("drop index i", ""),
        ("drop trigger x on t", "admin t(?)"),
        ("grant select (a), update on t, s.u to r", "admin t(?) admin s.u(?)"),
        ("revoke all on table a from r", "admin a(?)"),
        ("grant execute on function f(int) to r", ""),
        ("grant select on all tables in schema s to r", ""),
        ("grant r to s", ""),
        ("comment on table t is 'x'", "admin t(?)"),
        ("comment on column s.t.c is 'x'", "admin s.t(?)"),
        ("security label on table t is 'x'", "admin t(?)"),
        ("vacuum", ""),
        ("vacuum full analyze t", "admin t(?)"),
        ("vacuum (full, verbose) t (a), u", "admin t(?) admin u(?)"),
        ("analyze verbose t (a, b)", "admin t(?)"),
        ("cluster t using i", "admin t(?)"),
        ("reindex table concurrently t", "admin t(?)"),
        ("reindex index i", ""),
        ("import foreign schema x from server s into y", ""),
        ("reassign owned by a to b", ""),
    ];
    check(Postgres, &Schema::default(), &all);
    for (text, _) in all.iter().filter(|(text, _)| !text.starts_with("select")) {
        let told = told(text, Postgres, &Schema::default()).expect(text);
        assert_eq!(told.kind, Doing::Admin, "{text}");
    }
}

#[test]
fn nothing_and_blocks() {
    let nothing = [
        "begin",
        "start transaction read only",
        "commit and chain",
        "end",
        "rollback to savepoint x",
        "abort",
        "savepoint x",
        "release x",
        "prepare transaction 'x'",
        "commit prepared 'x'",
        "show all",
        "set search_path = civil",
        "set constraints all deferred",
        "reset all",
        "discard all",
        "listen c",
        "unlisten *",
        "notify c, 'x'",
        "checkpoint",
        "load 'x'",
        "fetch 100 from c",
        "move forward 10 in c",
        "close all",
        "prepare q (int) as select * from t where id = $1",
        "execute q (1)",
        "deallocate all",
        "lock table civil.resident in access share mode",
        "explain select * from t",
    ];
    for text in nothing {
        let told = told(text, Postgres, &Schema::default()).expect(text);
        assert_eq!((told.kind, told.touches.len()), (Doing::Nothing, 0), "{text}");
    }
    for text in [
        "do $$begin perform 1; end$$;",
        "DO LANGUAGE plpgsql $x$ begin end $x$",
        "select 1; do 'x'",
    ] {
        let told = told(text, Postgres, &Schema::default()).expect(text);
        assert_eq!(told.kind, Doing::Block, "{text}");
    }
    let told = told("begin; select 1", Postgres, &Schema::default()).expect("parsed");
    assert_eq!(told.kind, Doing::Data);
}

#[test]
fn functions_are_named() {
    let all = [
        ("select civil.household_of(id), count(*) from t", "civil.household_of count"),
        ("select f(g(1)) where h() union select f(2)", "f g h"),
        ("select * from F(1), lateral \"G\"(2)", "F G"),
        ("call s.p(f(1))", "s.p f"),
        ("select 1 order by f()", "f"),
        (
            "select sum(a) filter (where f(b)) over (partition by g(c) order by h(d)) from t",
            "sum f g h",
        ),
        ("insert into t values (f(1)) returning g(a)", "f g"),
        ("select pg_catalog.pg_get_expr(a, b) from t", "pg_catalog.pg_get_expr"),
        ("select array(select 1), current_user", "current_user"),
    ];
    for (text, expected) in all {
        let told = told(text, Postgres, &Schema::default()).expect(text);
        let mut found: Vec<String> = told.functions.iter().map(ToString::to_string).collect();
        let mut expected: Vec<String> = expected.split(' ').map(str::to_owned).collect();
        if text.contains(" F(1)") {
            expected = vec!["f".into(), "G".into()];
        }
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn settings_are_told() {
    let all = [
        ("set search_path=civil", "search_path='civil'"),
        ("set search_path to Civil, \"P\"", "search_path='civil, P'"),
        ("set local My.X = 'v'", "local my.x='v'"),
        ("set session my.x to -5", "my.x='-5'"),
        ("set session.x = 'a'", "session.x='a'"),
        ("set my.x = E'a\\'b'", "my.x='a'b'"),
        ("set application_name = default", "application_name=default"),
        ("set time zone 'UTC'", "timezone='UTC'"),
        ("set role r", "role='r'"),
        ("set session authorization 'x'", "session_authorization='x'"),
        ("set transaction read only", ""),
        ("reset my.x", "my.x=default"),
        ("reset all", "*=default"),
        ("discard all", "*=default"),
        ("select set_config('My.X', 'v', false)", "my.x='v'"),
        ("select pg_catalog.set_config('my.x', $$v$$, true), 1", "local my.x='v'"),
        ("select set_config('my.x', $1, false)", "my.x=?"),
        ("select set_config(a, 'v', false) from t", "*='v'"),
        ("set a.b = 'x'; select 1; reset a.b", "a.b='x' a.b=default"),
    ];
    for (text, expected) in all {
        assert_eq!(settings(text, Postgres), expected, "{text}");
    }
}
