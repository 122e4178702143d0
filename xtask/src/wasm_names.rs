//! The names of a module's functions, which are for debuggers: a tenth of what a visitor would load.

/// The module without its custom sections `name` and `producers`; as it is if it is no module.
///
/// The sections' form: <https://webassembly.github.io/spec/core/binary/modules.html#sections>.
pub(crate) fn without(module: &[u8]) -> Vec<u8> {
    const HEADER: usize = 8;
    let Some((header, mut rest)) = module.split_at_checked(HEADER) else {
        return module.to_vec();
    };
    let mut kept = header.to_vec();
    while let Some((section, after)) = section(rest) {
        if !["name", "producers"].iter().any(|name| custom_name(section) == Some(name.as_bytes())) {
            kept.extend_from_slice(section);
        }
        rest = after;
    }
    if rest.is_empty() { kept } else { module.to_vec() }
}

/// The first section, with its head, and what is behind it.
fn section(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, head) = number(bytes.get(1..)?)?;
    bytes.split_at_checked((1 + head).checked_add(len)?)
}

/// The name of a custom section, which has the number 0.
fn custom_name(section: &[u8]) -> Option<&[u8]> {
    let (0, rest) = section.split_first()? else { return None };
    let (_, head) = number(rest)?;
    let (len, at) = number(&rest[head..])?;
    rest.get(head + at..)?.get(..len)
}

/// An unsigned LEB128 number and its length in bytes.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_and_everything_else_stays() {
        let header = b"\0asm\x01\0\0\0";
        let types = b"\x01\x04\x01\x60\0\0";
        let custom = |name: &str, content: &[u8]| {
            let content = [&[name.len() as u8], name.as_bytes(), content].concat();
            [&[0, content.len() as u8], &content[..]].concat()
        };
        let features = custom("target_features", b"+simd128");
        let names = custom("name", &[1; 90]);
        let module = [header, &types[..], &names, &features, &custom("producers", b"x")].concat();
        assert_eq!(without(&module), [header, &types[..], &features].concat());
        assert_eq!(without(b"no module"), b"no module");
        let cut = &module[..module.len() - 1];
        assert_eq!(without(cut), cut);
    }
}
