//! Many variants in one link: `variants=1.` and the base64url of a JSON whose keys have few letters.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;

/// In front of what is written so.
const VERSION: &str = "1.";

/// More than anybody compares; a link that names more is a mistake.
const MOST: usize = 64;

/// The variants of a network, so that who opens the link can make them again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shared {
    pub network: Named,
    /// Own calibration frames, where some variants were made with such.
    pub calibration: Option<Named>,
    /// Own training frames, where some were trained on such.
    pub training: Option<Named>,
    pub variants: Vec<SharedVariant>,
    /// What differences are taken from, by its place; `None`: the network itself.
    pub baseline: Option<usize>,
    pub only_differences: bool,
    /// The figure that columns are sorted by, and whether the largest comes first.
    pub sorted_by: Option<(String, bool)>,
    /// As somebody called the network itself.
    pub network_name: Option<String>,
    /// Whether its own column is not shown.
    pub network_hidden: bool,
}

/// A file or a set of frames, to be told from others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    #[serde(rename = "n")]
    pub name: String,
    /// Hexadecimal SHA-256: of a file, or of what tells a set from others.
    #[serde(rename = "h", with = "hash")]
    pub sha256: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct SharedVariant {
    /// Hexadecimal SHA-256 of its file.
    pub sha256: String,
    /// As somebody called it; of a file of others, that file's.
    pub name: Option<String>,
    /// `None`: it is a file of others.
    pub recipe: Option<Recipe>,
    /// What it was trained by.
    pub plan: Option<Plan>,
    /// Bundled archives that it was trained on; 0: on a person's own frames.
    pub archives: usize,
    /// Whether it was calibrated on a person's own frames.
    pub own_frames: bool,
}

/// As it is written: only what differs from the usual.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "of")]
    network: Named,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    calibration: Option<Named>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    training: Option<Named>,
    #[serde(rename = "v")]
    variants: Vec<WrittenVariant>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    baseline: Option<usize>,
    #[serde(rename = "d", default, skip_serializing_if = "is_false")]
    only_differences: bool,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    sorted_by: Option<(String, bool)>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    network_name: Option<String>,
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    network_hidden: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVariant {
    #[serde(rename = "h", with = "hash")]
    sha256: String,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    recipe: Option<Map<String, Value>>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    plan: Option<Map<String, Value>>,
    #[serde(rename = "a", default, skip_serializing_if = "is_nothing")]
    archives: usize,
    #[serde(rename = "o", default, skip_serializing_if = "is_false")]
    own_frames: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_nothing(count: &usize) -> bool {
    *count == 0
}

impl Shared {
    /// # Errors
    /// None that variants can cause.
    pub fn write(&self) -> Result<String> {
        let variant = |variant: &SharedVariant| -> Result<WrittenVariant> {
            let recipe = variant.recipe.as_ref().map(Recipe::to_short_json).transpose()?;
            Ok(WrittenVariant {
                sha256: variant.sha256.clone(),
                name: variant.name.clone(),
                recipe: recipe.map(|json| plain(serde_json::from_str(&json))).transpose()?,
                plan: variant.plan.as_ref().map(differing).transpose()?,
                archives: variant.archives,
                own_frames: variant.own_frames,
            })
        };
        let written = Written {
            network: self.network.clone(),
            calibration: self.calibration.clone(),
            training: self.training.clone(),
            variants: self.variants.iter().map(variant).collect::<Result<_>>()?,
            baseline: self.baseline,
            only_differences: self.only_differences,
            sorted_by: self.sorted_by.clone(),
            network_name: self.network_name.clone(),
            network_hidden: self.network_hidden,
        };
        let json = plain(serde_json::to_vec(&written))?;
        Ok(format!("{VERSION}{}", BASE64.encode(&json)))
    }

    /// # Errors
    /// Another version, what is not written so, and recipes and plans that are none.
    pub fn read(text: &str) -> Result<Self> {
        let letters = text.strip_prefix(VERSION).ok_or_else(|| {
            Error::new("its variants are written by a newer version of this page")
        })?;
        let bytes = BASE64.decode(letters).map_err(|_| Error::new("its variants are cut off"))?;
        let written: Written = serde_json::from_slice(&bytes)
            .map_err(|error| Error::new(format!("its variants are not known: {error}")))?;
        if written.variants.len() > MOST {
            return Err(Error::new(format!("it has more than {MOST} variants")));
        }
        let variant = |variant: WrittenVariant| -> Result<SharedVariant> {
            let recipe = |recipe| Recipe::from_json(Value::Object(recipe).to_string().as_bytes());
            let plan = |plan| -> Result<Plan> {
                let plan: Plan = serde_json::from_value(Value::Object(plan)).map_err(|error| {
                    Error::new(format!("a training plan is not known: {error}"))
                })?;
                plan.check().map(|()| plan)
            };
            Ok(SharedVariant {
                sha256: variant.sha256,
                name: variant.name,
                recipe: variant.recipe.map(recipe).transpose()?,
                plan: variant.plan.map(plan).transpose()?,
                archives: variant.archives,
                own_frames: variant.own_frames,
            })
        };
        Ok(Self {
            network: written.network,
            calibration: written.calibration,
            training: written.training,
            variants: written.variants.into_iter().map(variant).collect::<Result<_>>()?,
            baseline: written.baseline,
            only_differences: written.only_differences,
            sorted_by: written.sorted_by,
            network_name: written.network_name,
            network_hidden: written.network_hidden,
        })
    }
}

fn plain<T>(written: serde_json::Result<T>) -> Result<T> {
    written.map_err(|error| Error::new(error.to_string()))
}

/// What of a plan is not as in every plan; its version always.
fn differing(plan: &Plan) -> Result<Map<String, Value>> {
    let map = |plan: &Plan| match plain(serde_json::to_value(plan))? {
        Value::Object(map) => Ok(map),
        _ => Err(Error::new("a plan is an object")),
    };
    let (mut own, usual) = (map(plan)?, map(&Plan::default())?);
    own.retain(|key, value| key == "version" || usual.get(key) != Some(value));
    Ok(own)
}

/// 32 bytes take 43 letters in place of 64.
mod hash {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::BASE64;
    use base64::Engine;

    pub(super) fn serialize<S: Serializer>(hash: &str, to: S) -> Result<S::Ok, S::Error> {
        let byte =
            |at: usize| hash.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let bytes: Vec<u8> = (0..hash.len()).step_by(2).filter_map(byte).collect();
        to.serialize_str(&BASE64.encode(&bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        let letters = String::deserialize(from)?;
        let bytes = BASE64.decode(&letters).map_err(|_| de::Error::custom("a hash is cut off"))?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, byte: &str) -> Named {
        Named { name: name.into(), sha256: byte.repeat(32) }
    }

    #[test]
    fn variants_come_back_as_they_were_and_are_short() {
        let recipe = Recipe { weight_bits: 4, ..Recipe::default() };
        let plain = SharedVariant {
            sha256: "0f".repeat(32),
            recipe: Some(recipe.clone()),
            ..SharedVariant::default()
        };
        let plan = Plan { epochs: Some(3), ..Plan::default() };
        let trained =
            SharedVariant { plan: Some(plan), archives: 2, own_frames: true, ..plain.clone() };
        let file = SharedVariant {
            sha256: "ab".repeat(32),
            name: Some("größer, \"best\" & co".into()),
            ..SharedVariant::default()
        };
        let shared = Shared {
            network: named("assignment", "01"),
            calibration: Some(named("tub", "fe")),
            training: None,
            variants: vec![plain.clone(), trained, file],
            baseline: Some(1),
            only_differences: true,
            sorted_by: Some(("latency".into(), true)),
            network_name: Some("float".into()),
            network_hidden: true,
        };
        let text = shared.write().expect("it can be written");
        assert_eq!(Shared::read(&text), Ok(shared.clone()));
        let letters = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!(text.chars().all(letters), "{text}");
        let twelve = Shared { variants: vec![plain; 12], ..shared };
        let length = twelve.write().expect("it can be written").len();
        assert!(length < 1700, "twelve recipes take {length} letters");
    }

    #[test]
    fn what_is_no_list_of_variants_is_refused() {
        let says = |text: &str| Shared::read(text).expect_err("it is bad").what;
        assert!(says("2.AA").contains("newer version"));
        assert!(says("1.?").contains("cut off"));
        assert!(says(&format!("1.{}", BASE64.encode(b"{}"))).contains("not known"));
        let bits = r#"{"of":{"n":"a","h":"AA"},"v":[{"h":"AA","r":{"weight_bits":1}}]}"#;
        assert!(says(&format!("1.{}", BASE64.encode(bits.as_bytes()))).contains("1 bits"));
    }
}
