//! Files and folders, read and written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_bytes::ByteBuf;

use crate::data::is_image_name;
use crate::error::{Context, Error, Result};
use crate::lab::protocol::File;

/// Folders inside folders up to here; a link to a folder above would never end.
const MAX_DEPTH: usize = 16;

/// A file under the name it was given by.
pub(super) fn read(path: &Path) -> Result<File> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => Ok(File { name, bytes: ByteBuf::from(bytes) }),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// A data set's files: the file itself, or the images of a folder, named from there.
pub(super) fn read_data(path: &Path) -> Result<Vec<File>> {
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let mut images = Vec::new();
    list_images(path, Path::new(""), 0, &mut images)?;
    if images.is_empty() {
        return Err(Error::new("no image was found in the folder")
            .in_file(path.display().to_string())
            .way_out("Data is a folder of class folders of images, or an npz or zip."));
    }
    let read_image = |image: &PathBuf| {
        let File { bytes, .. } = read(&path.join(image))?;
        Ok(File { name: slashed(image), bytes })
    };
    images.iter().map(read_image).collect()
}

fn list_images(root: &Path, below: &Path, depth: usize, images: &mut Vec<PathBuf>) -> Result<()> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
        let name = entry.map_err(|error| unreadable(&folder, &error))?.file_name();
        let path = below.join(name);
        if root.join(&path).is_dir() {
            if depth < MAX_DEPTH {
                list_images(root, &path, depth + 1, images)?;
            }
        } else if is_image_name(&slashed(&path)) {
            images.push(path);
        }
    }
    Ok(())
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

/// Whether both paths name the same existing file.
fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Refuses a path that is also read from.
pub(super) fn check_output<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    if inputs.into_iter().any(|input| is_same(output, input)) {
        return Err(Error::new("the output would overwrite an input")
            .in_file(output.display().to_string())
            .way_out("Give another name."));
    }
    Ok(())
}

/// Writes all of a file or nothing: under a passing name first, then renamed.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.display().to_string();
    let Some(file_name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(Error::new("not the name of a file")).in_file(&name);
    };
    let passing = format!(".{}.{}.part", file_name.to_string_lossy(), std::process::id());
    let passing = path.with_file_name(passing);
    let written = fs::write(&passing, bytes).and_then(|()| fs::rename(&passing, path));
    written.map_err(|error| {
        // It may not even exist; the first error is the one to tell.
        let _ = fs::remove_file(&passing);
        Error::new(format!("the file cannot be written ({error})")).in_file(name)
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(format!("the file cannot be read ({error})")).in_file(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_replaces_the_whole_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.onnx");
        write(&path, b"first, and longer").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(folder.path(), b"x").is_err());
        assert!(write(&folder.path().join("missing/out.onnx"), b"x").is_err());
    }

    #[test]
    fn an_input_is_recognized_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.onnx");
        fs::write(&path, b"network").unwrap();
        let roundabout = folder.path().join("../").join(folder.path().file_name().unwrap());
        assert!(check_output(&roundabout.join("in.onnx"), [&path]).is_err());
        assert!(check_output(&folder.path().join("out.onnx"), [&path]).is_ok());
    }

    #[test]
    fn a_folder_gives_its_images_by_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1.png", "b/2.JPG", "b/notes.txt", ".hidden/3.png"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let mut files = read_data(folder.path()).unwrap();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a/1.png", "b/2.JPG"]);
        assert_eq!(files[0].bytes.as_slice(), b"a/1.png");
        fs::remove_dir_all(folder.path().join("a")).unwrap();
        fs::remove_dir_all(folder.path().join("b")).unwrap();
        assert_eq!(read_data(folder.path()).unwrap_err().what, "no image was found in the folder");
    }
}
