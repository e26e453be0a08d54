//! A fingerprint to read out over the telephone.

use liuhen_proto::types::ChainId;

/// The first 128 bits of a chain id as eight groups of five decimal digits, 00000 to 65535 each:
/// digits are read out alike in every language.
pub fn fingerprint(chain: &ChainId) -> String {
    let groups: Vec<String> = chain
        .as_bytes()
        .chunks_exact(2)
        .take(8)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
        .map(|pair| format!("{:05}", u16::from_be_bytes(pair)))
        .collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_groups_of_five_digits() {
        let mut bytes = [0; 32];
        bytes[0] = 0xff;
        bytes[1] = 0xff;
        bytes[15] = 7;
        let text = fingerprint(&ChainId::new(bytes));
        assert_eq!(text, "65535 00000 00000 00000 00000 00000 00000 00007");
    }
}
