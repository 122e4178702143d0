//! The networks and frames inside the program, so that it works from any folder.
//!
//! `models/catalogue.json` lists them; `models/README.md` tells where they come from.

use serde_bytes::ByteBuf;

use crate::lab::protocol::Role;
use crate::vocabulary::file::File;

/// A file's name and content.
type Bundled = (&'static str, &'static [u8]);

macro_rules! bundled {
    ($folder:literal, $name:literal) => {
        ($name, include_bytes!(concat!("../../models/", $folder, "/", $name)) as &[u8])
    };
}

const NETWORKS: [Bundled; 4] = [
    bundled!("networks", "assignment.onnx"),
    bundled!("networks", "pilotnet.onnx"),
    bundled!("networks", "mobilenet.onnx"),
    bundled!("networks", "pilotnet-steering.onnx"),
];
const VALIDATION: Bundled = bundled!("frames", "validation.zip");
const CALIBRATION: Bundled = bundled!("frames", "calibration.zip");

const TRAINING: [Bundled; 3] = [
    bundled!("frames", "training-0.zip"),
    bundled!("frames", "training-1.zip"),
    bundled!("frames", "training-2.zip"),
];

/// What is known of all frames besides their classes.
const VALUES: Bundled = bundled!("frames", "values.csv");

/// Channels, height and width of the frames.
pub(super) const FRAME_SHAPE: [usize; 3] = [3, 96, 96];

/// Each in one file: there is nothing beside it.
pub(super) fn networks() -> Vec<(File, Vec<File>)> {
    NETWORKS.map(|network| (file(network), Vec::new())).into()
}

/// One archive, or several whose frames belong together, and the table beside them.
pub(super) fn frames(role: Role) -> Vec<File> {
    let archives = match role {
        Role::Calibration => &[CALIBRATION][..],
        Role::Validation => &[VALIDATION],
        Role::Training => &TRAINING,
    };
    archives.iter().copied().chain([VALUES]).map(file).collect()
}

/// Where a bundled network lies in the sources.
pub(super) fn path(network: &str) -> String {
    format!("models/networks/{network}")
}

fn file((name, bytes): Bundled) -> File {
    File { name: name.into(), bytes: ByteBuf::from(bytes) }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::data::Dataset;
    use crate::onnx;
    use crate::progress::unwatched;
    use crate::vocabulary::reading::Reading;

    /// What is inside the program is what the catalogue says, which the page reads.
    #[test]
    fn is_what_the_catalogue_lists() {
        let catalogue: serde_json::Value =
            serde_json::from_str(include_str!("../../models/catalogue.json")).unwrap();
        let listed = |entry: &serde_json::Value, folder: &str, (name, bytes): Bundled| {
            let digest = Sha256::digest(bytes);
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(entry["file"], format!("{folder}/{name}"));
            assert_eq!(entry["sha256"], digest, "{name}");
        };
        let networks = catalogue["networks"].as_array().unwrap();
        assert_eq!(networks.len(), NETWORKS.len());
        for (entry, network) in networks.iter().zip(NETWORKS) {
            listed(entry, "networks", network);
        }
        // What outputs say is told where they are values, and the file itself says it.
        let outputs =
            networks.iter().zip(NETWORKS).filter(|(entry, _)| entry["outputs"].is_array());
        for (entry, (name, bytes)) in outputs {
            let graph = onnx::read(bytes).unwrap();
            let named: Vec<&str> = graph.outputs.iter().map(|output| &*output.name).collect();
            assert_eq!(entry["outputs"], serde_json::json!(named), "{name}");
            assert_eq!(entry["outputs"], catalogue["frames"]["values"]["columns"]);
        }
        let frames = &catalogue["frames"];
        listed(&frames["validation"], "frames", VALIDATION);
        listed(&frames["calibration"], "frames", CALIBRATION);
        listed(&frames["values"], "frames", VALUES);
        let training = frames["training"].as_array().unwrap();
        assert_eq!(training.len(), TRAINING.len());
        for (entry, archive) in training.iter().zip(TRAINING) {
            listed(entry, "frames", archive);
        }
    }

    #[test]
    fn frames_have_the_shape_that_fits() {
        let calibration = frames(Role::Calibration);
        let dataset = Dataset::read(&calibration, &Reading::default(), &mut unwatched).unwrap();
        assert_eq!(dataset.frame_shape(), FRAME_SHAPE);
    }
}
