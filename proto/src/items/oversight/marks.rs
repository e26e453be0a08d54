//! Marks on data products: a grant that one stands on was revoked.

use crate::ledger::{Draft, Halt};
use crate::place::Place;
use crate::wire::{self, ledger_event::Kind};
use std::sync::Arc;

/// A grant was revoked: what stands on it is marked.
pub(crate) fn mark(draft: &mut Draft<'_>, request: &[u8]) -> Result<(), Halt> {
    let known: Option<Arc<wire::GrantProducts>> = draft.get(&Place::grant_products(request))?;
    for id in known.iter().flat_map(|it| &it.product_ids) {
        let product: Option<Arc<wire::Product>> = draft.get(&Place::product(id))?;
        let Some(product) = product else { continue };
        let mut product = (*product).clone();
        product.marks.push(request.to_vec());
        let department = product.registered.as_ref().map(|it| it.department.clone());
        draft.put(Place::product(id), product);
        draft.emit(Kind::ProductMarked(wire::ProductMarked {
            product_id: id.clone(),
            department: department.unwrap_or_default(),
            request_id: request.to_vec(),
        }));
    }
    Ok(())
}
