use super::seeds::Numbers;
use super::*;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use tonic::Status;

/// Inputs of no method in particular.
const INPUTS: usize = 500;

/// Panics on threads of the runtime, which end a task and no test.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A method that was added and that no seed reaches is found here, and so is one that refuses whatever is asked.
#[test]
fn every_method_of_the_descriptors_is_answered_and_anything_else_is_refused_well() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let of_runtime = std::thread::current().name() == Some(THREAD);
        PANICS.fetch_add(of_runtime.into(), Ordering::Relaxed);
        before(info);
    }));
    let services = Services::make().expect("the chain can be made");
    let mut reached = BTreeSet::new();
    for input in services.seeds().expect("seeds of each method").into_iter().flat_map(|it| it.1) {
        let (method, code) = services.run(&input).expect("a seed is a call");
        assert_eq!(code, Code::Ok, "{}", method.path);
        reached.insert(method.path);
    }
    let all: BTreeSet<String> = services.methods().iter().map(|it| it.path.clone()).collect();
    assert_eq!(reached, all);
    let mut numbers = Numbers::new(1);
    for length in (0..INPUTS).map(|it| it % 200) {
        services.run(&numbers.bytes(length));
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "a task panicked");
}

/// Of a stream as well: one that merely ended would look as if all of it was read.
#[test]
fn what_no_method_can_read_is_the_callers_fault() {
    let services = Services::make().expect("the chain can be made");
    for (number, method) in (0..).zip(services.methods()) {
        // A field that is longer than what is there.
        let input = [0, number, requests::How::RAW, 0x0a, 0x7f, 0x00];
        let (_, code) = services.run(&input).expect("a call");
        assert_eq!(code, Code::InvalidArgument, "{}", method.path);
    }
}

#[test]
fn the_chain_is_the_same_each_time() {
    let [one, other] = [0, 1].map(|_| Ground::make().expect("the chain can be made"));
    let id = |ground: &Ground| ground.chain().header().block_id();
    assert_eq!(id(&one), id(&other));
}

/// What a refusal that is not as it must be is told.
fn judged(status: &Status) -> String {
    let services = Services::make().expect("the chain can be made");
    let call = services.requests().call(&[0; 3]).expect("a call");
    let judge = std::panic::AssertUnwindSafe(|| judge::refusal(&call, status));
    let panicked = std::panic::catch_unwind(judge).expect_err("the refusal is taken");
    panicked.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn refusals_without_a_reason_and_faults_are_found() {
    use liuhen_rpc::reason::Reason;
    use liuhen_rpc::status::with_reason;
    assert!(judged(&Status::internal("x")).starts_with("no reason"));
    assert!(judged(&Status::unknown("x")).starts_with("no reason"));
    let fault = with_reason(Reason::NodeInternal, "x");
    assert!(judged(&fault).contains("node.internal"));
    let other = Status::with_details(Code::NotFound, "x", fault.details().to_vec().into());
    assert!(judged(&other).contains("node.internal"), "another code than its reason's");
}
