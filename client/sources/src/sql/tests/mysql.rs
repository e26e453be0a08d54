//! Forms of MySQL's statements.

use super::*;
use Dialect::MySql;

#[test]
fn reads() {
    let all = [
        ("select a from `db`.`t` where `a.b` = \"x\" and c = 'it\\'s'", "read db.t(a,a.b,c)"),
        ("select A from T where t.b = 1", "read T(A,b)"),
        ("select 1 from dual", ""),
        ("select a from t # from u", "read t(a)"),
        ("select 1--1 from t", "read t()"),
        ("/*!50001 select a from t */", "read t(a)"),
        ("select /*! straight_join */ a from t", "read t(a)"),
        ("table t", "read t(?)"),
        ("select a from t lock in share mode", "read t(a)"),
        ("select a from t force index (i) where b limit 5, 10", "read t(a,b)"),
        ("select a into @x from t", "read t(a)"),
        ("select a, b from t into @x, @y", "read t(a,b)"),
        ("select a from t where b into outfile '/tmp/x' fields terminated by ','", "export t(a,b)"),
        ("select a, b into outfile '/tmp/x' lines starting by 'x' from t", "export t(a,b)"),
        ("select * into dumpfile 'x' from t", "export t(?)"),
        ("select timestampdiff(day, a, b), @x, @@version, @y := c from t", "read t(a,b,c)"),
        (
            "select match (a, t.b) against ('x'), group_concat(c order by d separator ',') from t",
            "read t(a,b,c,d)",
        ),
        ("select a sounds like b from t", "read t(a,b)"),
        ("select date_add(a, interval 1 day) from t where b in (?, ?)", "read t(a,b)"),
        ("select rank() over w from t window w as (partition by a order by b)", "read t(a,b)"),
        (
            "with recursive x as (select 1 as n union all select n + 1 from x where n < 5) select n from x",
            "",
        ),
        ("handler t read first", "read t(?)"),
        ("explain format=json select * from t", ""),
        ("explain analyze format=tree select a from t", "read t(a)"),
        ("set @a = (select max(id) from t)", "read t(id)"),
        ("set statement max_statement_time = 1 for select a from t", "read t(a)"),
        (
            "create procedure p() begin if a then delete from u; end if; case b when 1 then delete from v; end case; end; select a from t",
            "read t(a)",
        ),
        (
            "select a mod b, mod(c, d), !e, cast(f as char character set utf8) from t",
            "read t(a,b,c,d,e,f)",
        ),
        ("do sleep(1)", ""),
        ("select 姓名 from `居民`", "read 居民(姓名)"),
    ];
    check(MySql, &Schema::default(), &all);
}

#[test]
fn changes() {
    let all = [
        ("insert into t set a = 1, b = 2", "insert t(a,b)"),
        ("insert ignore t (a) values (1)", "insert t(a)"),
        ("insert into t table s", "insert t(?) read s(?)"),
        ("insert into t () values ()", "insert t(?)"),
        ("replace into t (a) values (1)", "insert t(a) delete t(?)"),
        ("replace t select a from s", "insert t(?) delete t(?) read s(a)"),
        (
            "insert into t (a) values (1) on duplicate key update b = values(a), c = c + 1",
            "insert t(a) update t(a,b,c)",
        ),
        (
            "insert into t (a) values (1) as new on duplicate key update b = new.a",
            "insert t(a) update t(b)",
        ),
        (
            "update a join b on a.id = b.id set a.x = 1, b.y = 2 where a.z = 3",
            "update a(id,x,z) update b(id,y)",
        ),
        ("update a, b set a.x = b.y where a.id = b.id", "update a(id,x) read b(id,y)"),
        ("update low_priority ignore t set a = 1 where b order by c limit 5", "update t(a,b,c)"),
        ("update a, b set x = 1 where a.id = b.id", "not parsed"),
        ("with x as (select 1 as n) update t join x on t.a = x.n set t.b = 1", "update t(a,b)"),
        ("delete from t where a = 1 order by b limit 1", "delete t(a,b)"),
        ("delete low_priority quick ignore from t", "delete t(?)"),
        ("delete a, b from a join b on a.id = b.id where a.x = 1", "delete a(id,x) delete b(id)"),
        ("delete a.* from a join b on a.id = b.id where b.x = 1", "delete a(id) read b(id,x)"),
        ("delete from a using a join b on a.id = b.id where b.x = 1", "delete a(id) read b(id,x)"),
        ("delete x from db.t1 as x", "delete db.t1(?)"),
        ("truncate db.t", "delete db.t(?)"),
        ("load data local infile '/x' into table db.t fields terminated by ','", "insert db.t(?)"),
        ("load data infile 'x' replace into table t (a, @b) set c = @b", "insert t(?) delete t(?)"),
        ("load xml infile 'x' into table t", "insert t(?)"),
    ];
    check(MySql, &Schema::default(), &all);
}

#[test]
fn objects() {
    let all = [
        ("create table t select a from u", "read u(a) admin t(?)"),
        ("create table if not exists t (x int) ignore select a from u", "read u(a) admin t(?)"),
        ("create table t like u", "admin t(?)"),
        (
            "create or replace algorithm=merge definer=`a`@`b` view v as select * from t",
            "admin v(?)",
        ),
        ("alter table t engine=innodb", "admin t(?)"),
        ("rename table a to b, c to db.d", "admin a(?) admin b(?) admin c(?) admin db.d(?)"),
        ("drop table a, b", "admin a(?) admin b(?)"),
        ("drop index i on t", "admin t(?)"),
        (
            "create trigger x before insert on t for each row begin set new.a = 1; delete from u; end",
            "admin t(?)",
        ),
        ("create procedure p() begin delete from t; end", ""),
        ("create user 'a'@'b' identified by 'c'", ""),
        ("grant select on db.* to 'a'@'%'", ""),
        ("grant select (a) on db.t to 'a'@'%'", "admin db.t(?)"),
        ("analyze table t, u", "admin t(?) admin u(?)"),
        ("optimize local table t", "admin t(?)"),
        ("check table t for upgrade", "admin t(?)"),
        ("flush privileges", ""),
        ("flush tables t with read lock", "admin t(?)"),
        ("kill query 5", ""),
    ];
    check(MySql, &Schema::default(), &all);
    for (text, _) in all {
        assert_eq!(told(text, MySql, &Schema::default()).expect(text).kind, Doing::Admin, "{text}");
    }
}

#[test]
fn nothing() {
    let all = [
        "use db",
        "show tables",
        "show create table t",
        "describe t",
        "desc t a",
        "explain t",
        "lock tables t read, u write",
        "unlock tables",
        "start transaction with consistent snapshot",
        "xa start 'x'",
        "handler t open as x",
        "prepare s from 'select 1'",
        "execute s using @a",
        "set names utf8mb4",
        "set character set utf8",
        "/*!40101 SET NAMES utf8 */",
        "set session transaction isolation level read committed",
    ];
    for text in all {
        let told = told(text, MySql, &Schema::default()).expect(text);
        assert_eq!(
            (told.kind, told.touches.len(), told.settings.len()),
            (Doing::Nothing, 0, 0),
            "{text}"
        );
    }
}

#[test]
fn settings_are_told() {
    let all = [
        ("set @X = 'v'", "@x='v'"),
        ("set @x := 5, @y = 'a,b', @z = -1", "@x='5' @y='a,b' @z='-1'"),
        ("set @`a b` = \"v\"", "@a b='v'"),
        ("set session sql_mode = 'x'", "sql_mode='x'"),
        (
            "set @@session.sql_mode = 'x', @@global.y = default, autocommit = 0",
            "sql_mode='x' y=default autocommit='0'",
        ),
        ("set @x = f(1, 2)", "@x=?"),
        ("/*+ x */ set sql_select_limit=default", "sql_select_limit=default"),
    ];
    for (text, expected) in all {
        assert_eq!(settings(text, MySql), expected, "{text}");
    }
}
