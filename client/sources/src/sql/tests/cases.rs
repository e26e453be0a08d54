//! Statements of genuine logs.

use super::*;
use Dialect::Postgres;

#[test]
fn of_psql() {
    let all = [
        (
            "SELECT c.oid,\n  n.nspname,\n  c.relname\nFROM pg_catalog.pg_class c\n     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n\
             WHERE c.relname OPERATOR(pg_catalog.~) '^(resident)$' COLLATE pg_catalog.default\n  AND n.nspname OPERATOR(pg_catalog.~) '^(civil)$' COLLATE pg_catalog.default\nORDER BY 2, 3;",
            "read pg_catalog.pg_class(oid,relname,relnamespace) read pg_catalog.pg_namespace(nspname,oid)",
        ),
        (
            "SELECT pol.polname, pol.polpermissive,\n  CASE WHEN pol.polroles = '{0}' THEN NULL ELSE pg_catalog.array_to_string(array(select rolname from pg_catalog.pg_roles where oid = any (pol.polroles) order by 1),',') END\nFROM pg_catalog.pg_policy pol\nWHERE pol.polrelid = '16402' ORDER BY 1;",
            "read pg_catalog.pg_policy(?) read pg_catalog.pg_roles(?)",
        ),
        (
            "SELECT t.tgname, pg_catalog.pg_get_triggerdef(t.oid, true),\n  CASE WHEN t.tgparentid != 0 THEN\n    (SELECT u.tgrelid::pg_catalog.regclass\n     FROM pg_catalog.pg_trigger AS u,\n          pg_catalog.pg_partition_ancestors(t.tgrelid) WITH ORDINALITY AS a(relid, depth)\n     WHERE u.tgname = t.tgname AND u.tgrelid = a.relid\n     ORDER BY a.depth LIMIT 1)\n  END AS parent\nFROM pg_catalog.pg_trigger t\nWHERE t.tgrelid = '16402' AND (NOT t.tgisinternal)\nORDER BY 1;",
            "read pg_catalog.pg_trigger(oid,tgisinternal,tgname,tgparentid,tgrelid)",
        ),
        (
            "SELECT conname, conrelid::pg_catalog.regclass AS ontable,\n       pg_catalog.pg_get_constraintdef(oid, true) AS condef\n  FROM pg_catalog.pg_constraint c\n WHERE confrelid IN (SELECT pg_catalog.pg_partition_ancestors('16402')\n                     UNION ALL VALUES ('16402'::pg_catalog.regclass))\n       AND contype = 'f' AND conparentid = 0\nORDER BY conname;",
            "read pg_catalog.pg_constraint(confrelid,conname,conparentid,conrelid,contype,oid)",
        ),
        (
            "SELECT a.attname,\n  pg_catalog.format_type(a.atttypid, a.atttypmod),\n  (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true)\n   FROM pg_catalog.pg_attrdef d\n   WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef)\nFROM pg_catalog.pg_attribute a\nWHERE a.attrelid = '16402' AND a.attnum > 0 AND NOT a.attisdropped\nORDER BY a.attnum;",
            "read pg_catalog.pg_attribute(atthasdef,attisdropped,attname,attnum,attrelid,atttypid,atttypmod) read pg_catalog.pg_attrdef(adbin,adnum,adrelid)",
        ),
        (
            "SELECT pubname\n     , pg_get_expr(pr.prqual, c.oid)\n     , (CASE WHEN pr.prattrs IS NOT NULL THEN\n         (SELECT string_agg(attname, ', ')\n           FROM pg_catalog.generate_series(0, pg_catalog.array_upper(pr.prattrs::pg_catalog.int2[], 1)) s,\n                pg_catalog.pg_attribute\n          WHERE attrelid = pr.prrelid AND attnum = prattrs[s])\n        ELSE NULL END) FROM pg_catalog.pg_publication p\n     JOIN pg_catalog.pg_publication_rel pr ON p.oid = pr.prpubid\n     JOIN pg_catalog.pg_class c ON c.oid = pr.prrelid",
            "read pg_catalog.pg_publication(?) read pg_catalog.pg_publication_rel(?) read pg_catalog.pg_class(?) read pg_catalog.pg_attribute(?)",
        ),
    ];
    check(Postgres, &Schema::default(), &all);
}

#[test]
fn of_users() {
    let all = [
        (
            "/*liuhen_grant='hr-pension-2026-001'*/ copy civil.resident to stdout;",
            "export civil.resident(?)",
        ),
        (
            "DECLARE c1 CURSOR FOR\nSELECT id, name FROM civil.resident WHERE ((id < 3))",
            "read civil.resident(id,name)",
        ),
        (
            "create temp table tt as select * from civil.resident;",
            "read civil.resident(?) admin tt(?)",
        ),
        ("do $$begin perform 1; end$$;", ""),
        ("prepare q(int) as /*x*/ select * from civil.resident where id=$1;", ""),
        (
            "/* outer /* inner */ still */ update civil.resident set name=1",
            "update civil.resident(name)",
        ),
        ("copy civil.resident from stdin", "insert civil.resident(?)"),
        ("select nextval('civil.resident_id_seq')", ""),
        (
            "(select household from civil.resident where id=p)",
            "read civil.resident(household,id,p)",
        ),
        (
            "select household        from civil.resident where id=i",
            "read civil.resident(household,i,id)",
        ),
        ("select * from civil.\"居民信息\" where \"姓名\"='某人';", "read civil.居民信息(?)"),
        (
            "select \"liuhen_grant='x'\" from civil.resident where id=6",
            "read civil.resident(id,liuhen_grant='x')",
        ),
        ("create table civil.x(i int);", "admin civil.x(?)"),
    ];
    check(Postgres, &Schema::default(), &all);
}
