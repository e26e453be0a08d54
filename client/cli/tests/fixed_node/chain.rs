//! The founding document that such a province could have.

use super::people::{MANAGER, NODE, OFFICER, Who};
use liuhen_genesis::{Founding, build};
use liuhen_proto::suite::sign::PrivateKey;
use std::sync::LazyLock;

/// The chain of header 0.
pub fn founding() -> &'static Founding {
    static FOUNDING: LazyLock<Founding> = LazyLock::new(|| {
        let key = |key: PrivateKey| hex::encode(key.public().as_bytes());
        let department = |code: &str, zh: &str, en: &str, rights: &str, root: u8| {
            let root = key(PrivateKey::from_seed(&[root; 32]));
            format!(
                "[[department]]\ncode = \"{code}\"\nname_zh = \"{zh}\"\nname_en = \"{en}\"\nlevel = 1\n\
                 division = \"52\"\nbody = \"{code}\"\nrights = [{rights}]\n[[department.identity]]\ncode = \"root\"\n\
                 kind = \"root\"\npublic_key = \"{root}\"\n"
            )
        };
        let officer = |it: Who| {
            format!(
                "[[department.identity]]\ncode = \"{}\"\nkind = \"officer\"\npublic_key = \"{}\"\n",
                it.1,
                key(it.key())
            )
        };
        let (vote, cosign) = (key(NODE.key()), key(PrivateKey::from_seed(&[0x61; 32])));
        let node = format!(
            "[[department.node]]\ncode = \"node\"\npublic_key = \"{vote}\"\ncosigner_key = \"{cosign}\"\n\
             peer_id = \"12D3KooWFixed\"\npower = 1\n"
        );
        let source = [
            "name = \"dev-fixed\"\ntime = \"2026-11-01T00:00:00+08:00\"\n[parameters]\nlead = \"gz.bdb\"\n\
             purposes = [\"pension-payment\"]\nlegal_bases = [\"social-insurance-law\"]\n"
                .to_owned(),
            department("gz.bdb", "大数据管理局", "Big Data Bureau", "\"use\", \"manage\"", 1),
            officer(MANAGER),
            node,
            department("gz.psb", "公安厅", "Public Security", "\"collect\"", 2),
            officer(OFFICER),
        ];
        build(&source.concat()).unwrap()
    });
    &FOUNDING
}
