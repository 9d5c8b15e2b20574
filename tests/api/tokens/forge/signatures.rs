//! J11: changed tokens and crafted signatures.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::issuer::{Key, keys};
use super::Forgery;

/// Every bit of a token, flipped by itself, where what comes out can still stand in a header. One key's token is
/// flipped in every bit, the others' in one bit of every byte.
pub fn flipped_bits() -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for key in keys() {
        let good = key.token().into_bytes();
        let bits = if key.alg == "ES256" { 0..8 } else { 0..1 };
        for position in 0..good.len() {
            for bit in bits.clone() {
                let mut bent = good.clone();
                bent[position] ^= 1 << bit;
                if bent[position] < b' ' || bent[position] == 0x7f {
                    continue;
                }
                let what = format!("bit {bit} of byte {position} of {}", key.kid);
                let header = [b"Bearer ".as_slice(), &bent].concat();
                forgeries.push(Forgery {
                    family: "J11",
                    what,
                    sent: super::Sent::Headers(vec![header]),
                });
            }
        }
    }
    forgeries
}

/// Signatures that careless verifiers have taken.
pub fn crafted() -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for key in keys() {
        let good = key.token();
        let (message, signature) = good.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let length = signature.len();
        let mut all = vec![
            ("empty", Vec::new()),
            ("zeros", vec![0; length]),
            ("ones", vec![0xff; length]),
            ("the number 1", [vec![0; length - 1], vec![1]].concat()),
            ("cut by a byte", signature[..length - 1].to_vec()),
            ("longer by a zero", [signature.clone(), vec![0]].concat()),
            ("after a zero", [vec![0], signature.clone()].concat()),
            ("twice", signature.repeat(2)),
            ("backwards", signature.iter().rev().copied().collect()),
            (
                "halves exchanged",
                [&signature[length / 2..], &signature[..length / 2]].concat(),
            ),
            ("of other claims", of_other_claims(key)),
            ("in text", URL_SAFE_NO_PAD.encode(&signature).into_bytes()),
        ];
        match key.alg {
            "ES256" => all.extend(of_ecdsa(&signature)),
            "EdDSA" => all.push(("S plus the order of the group", plus_order(&signature))),
            _ => {}
        }
        for (what, forged) in all {
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(forged));
            let what = format!("signature {what}, {}", key.alg);
            forgeries.push(Forgery::bearer("J11", what, token));
        }
    }
    forgeries
}

fn of_other_claims(key: &Key) -> Vec<u8> {
    let other = key.sign(&key.header(), &serde_json::json!({"sub": "somebody else"}));
    let (_, signature) = other.rsplit_once('.').unwrap();
    URL_SAFE_NO_PAD.decode(signature).unwrap()
}

fn of_ecdsa(signature: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let order = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    let (r, s) = signature.split_at(32);
    let zero = [0; 32];
    vec![
        ("r = 0", [&zero, s].concat()),
        ("s = 0", [r, &zero].concat()),
        ("r = s = n", [order, order].concat()),
        ("r = n", [&order, s].concat()),
        ("s = n", [r, &order].concat()),
        ("in DER", der(r, s)),
        ("zeros in DER", vec![0x30, 6, 2, 1, 0, 2, 1, 0]),
    ]
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let first = number.iter().position(|byte| *byte != 0).unwrap();
        let mut bytes = number[first..].to_vec();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        [vec![2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

/// The same signature modulo the order of the group: one that is not reduced has to be refused.
fn plus_order(signature: &[u8]) -> Vec<u8> {
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut sum = signature.to_vec();
    let mut carry = 0;
    for (byte, other) in sum[32..].iter_mut().zip(order) {
        let total = u16::from(*byte) + u16::from(other) + carry;
        [*byte, _] = total.to_le_bytes();
        carry = total >> 8;
    }
    sum
}
