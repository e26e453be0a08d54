use super::seeds::Numbers;
use super::*;

#[test]
fn explore() {
    let began = std::time::Instant::now();
    let services = Services::make().unwrap();
    println!("made in {:?}; {} methods", began.elapsed(), services.methods().len());
    let began = std::time::Instant::now();
    for (method, seeds) in services.seeds().unwrap() {
        println!("{} {} {:?}", method.path, seeds.len(), began.elapsed());
    }
    let mut numbers = Numbers::new(1);
    let began = std::time::Instant::now();
    for _ in 0..3000 {
        services.run(&numbers.bytes(64));
    }
    println!("3000 in {:?}", began.elapsed());
}
