//! `liuhen member`: departments and identities.

use super::Common;
use crate::error::ClientError;
use crate::output::Rows;
use crate::text::state;
use liuhen_proto::wire;
use serde_json::json;

/// Departments and identities
#[derive(Debug, clap::Subcommand)]
pub enum Member {
    /// List departments
    Departments,
    /// List identities
    Identities {
        /// Of this department alone
        #[arg(long, default_value = "")]
        department: String,
    },
}

impl Member {
    /// Lists them.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let mut registry = common.connect().await?.registry();
        let rows = match self {
            Self::Departments => {
                let request = wire::ListDepartmentsRequest {};
                departments(&registry.list_departments(request).await?.into_inner().departments)
            }
            Self::Identities { department } => {
                let request = wire::ListIdentitiesRequest { department: department.clone() };
                identities(&registry.list_identities(request).await?.into_inner().identities)
            }
        };
        rows.print(common.output)
    }
}

fn departments(all: &[wire::Department]) -> Rows {
    let mut rows =
        Rows::new(&["code", "name_zh", "name_en", "level", "division", "body", "rights"]);
    for it in all {
        let rights: Vec<String> =
            it.rights().map(|right| state(right.as_str_name(), "RIGHT_")).collect();
        rows.push(vec![
            json!(it.code),
            json!(it.name_zh),
            json!(it.name_en),
            json!(it.level),
            json!(it.division),
            json!(it.body),
            json!(rights),
        ]);
    }
    rows
}

fn identities(all: &[wire::Identity]) -> Rows {
    let mut sorted: Vec<&wire::Identity> = all.iter().collect();
    sorted.sort_by_key(|it| (&it.department, &it.code));
    let mut rows = Rows::new(&["identity", "kind", "identity_id"]);
    for it in sorted {
        rows.push(vec![
            json!(format!("{}/{}", it.department, it.code)),
            json!(state(it.kind().as_str_name(), "IDENTITY_KIND_")),
            json!(hex::encode(&it.identity_id)),
        ]);
    }
    rows
}
