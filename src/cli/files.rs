//! Files and folders, read and written.

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufReader};
use std::path::{Component, Path, PathBuf};

use serde_bytes::ByteBuf;

use crate::data::{is_image_name, is_record_name};
use crate::error::{Error, Result};
use crate::onnx;
use crate::shelf::{Bare, Content, Shelf};
use crate::vocabulary::file::{ARCHIVES, ARRAYS, File, Source, TABLES, has_extension};

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

/// A network, and the files in its folder that it keeps weights in, named from there.
///
/// # Errors
/// Weights outside the folder, by their name or behind a link: nothing else on the disk is read. What
/// is not there is left to the reader of the network to name.
pub(super) fn read_network(path: &Path) -> Result<(File, Vec<File>)> {
    let file = read(path)?;
    let mut beside = Vec::new();
    for name in onnx::data_files(&file.bytes) {
        let Some(inside) = inside_folder(path, Path::new(&name)) else {
            return Err(Error::new(format!("its weights are outside its folder ({name})"))
                .in_file(&file.name)
                .way_out("Put the file with the weights into the network's folder, as it is."));
        };
        if inside.exists() {
            let bytes = read(&inside)?.bytes;
            beside.push(File { name, bytes });
        }
    }
    Ok((file, beside))
}

/// The path of a file in the folder of `network`, which `name` is said from; `None` where it leads
/// outside, or to what is no file.
fn inside_folder(network: &Path, name: &Path) -> Option<PathBuf> {
    let goes_down = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if !name.components().all(goes_down) {
        return None;
    }
    let folder = match network.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let path = folder.join(name);
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(real), Ok(folder)) => (real.starts_with(folder) && real.is_file()).then_some(real),
        _ => Some(path),
    }
}

/// The files of a data set on the disk, which are opened when their turn comes.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Without links.
    paths: Vec<PathBuf>,
}

impl Shelf for Disk {
    fn open(&self, place: u32) -> Result<Box<dyn Content>> {
        let Some(path) = self.paths.get(place as usize) else { return Bare.open(place) };
        let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(Box::new(BufReader::new(file)))
    }
}

impl Disk {
    fn lay(&mut self, name: String, path: PathBuf) -> Source {
        let place = self.paths.len() as u32;
        self.paths.push(path);
        Source::Lying { name, place }
    }
}

/// A data set's files: the file itself, or those of a folder that have frames or labels, named from there.
/// Of a table or a manifest, those of its folder. A `table` that lies elsewhere takes the place of all others.
///
/// # Errors
/// A folder without any; a link that leads out of it: nothing else on the disk is read.
pub(super) fn read_data(path: &Path, table: Option<&Path>) -> Result<(Vec<Source>, Disk)> {
    let Some(table) = table else { return read_set(path) };
    let (mut sources, mut disk) = read_set(path)?;
    sources.retain(|source| !has_extension(source.name(), &TABLES));
    if !table.is_file() {
        return Err(Error::new("there is no such table").in_file(table.display().to_string()));
    }
    sources.push(disk.lay(slashed(table), table.to_path_buf()));
    Ok((sources, disk))
}

fn read_set(path: &Path) -> Result<(Vec<Source>, Disk)> {
    let mut disk = Disk::default();
    let named = slashed(path);
    let has_labels = is_record_name(&named) && !has_extension(&named, &ARRAYS);
    if path.is_file() && has_labels {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let own = path.file_name().unwrap_or_default();
        // Of the tables that a set has one of, the one that was named.
        let is_other =
            |file: &Path| has_extension(&slashed(file), &TABLES) && file != Path::new(own);
        let mut found = listed(folder)?;
        found.retain(|(file, _)| !is_other(file));
        let lay = |(file, real): (PathBuf, PathBuf)| disk.lay(slashed(&file), real);
        return Ok((found.into_iter().map(lay).collect(), disk));
    }
    if path.is_file() {
        let source = disk.lay(path.display().to_string(), path.to_path_buf());
        return Ok((vec![source], disk));
    }
    if !path.is_dir() {
        // A pipe, which can't be read twice; or nothing, which is told.
        return Ok((vec![read(path)?.into()], disk));
    }
    let mut found = listed(path)?;
    let is_set = |(file, _): &(PathBuf, PathBuf)| !has_extension(&slashed(file), &ARCHIVES);
    // Archives among other files are none of the set.
    if found.iter().any(is_set) {
        found.retain(is_set);
    }
    let says_labels = |name: &str| is_record_name(name) && !has_extension(name, &["txt"]);
    if !found.iter().any(|(file, _)| says_labels(&slashed(file))) {
        check_folders(path, &found)?;
    }
    if found.is_empty() {
        return Err(Error::new("no image was found in the folder")
            .in_file(path.display().to_string())
            .way_out("Data is a folder of images with their labels, or an npz or zip."));
    }
    let lay = |(file, real): (PathBuf, PathBuf)| disk.lay(slashed(&file), real);
    Ok((found.into_iter().map(lay).collect(), disk))
}

/// The files of a folder that belong to a data set: named from there, and where they are.
fn listed(root: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let real = root.canonicalize().map_err(|error| unreadable(root, &error))?;
    let mut listing = Listing { root, real: &real, found: Vec::new(), seen: HashSet::new() };
    listing.walk(Path::new(""), 0)?;
    Ok(listing.found)
}

struct Listing<'a> {
    root: &'a Path,
    /// It, without links.
    real: &'a Path,
    found: Vec<(PathBuf, PathBuf)>,
    /// Folders, so that a link to one above ends.
    seen: HashSet<PathBuf>,
}

impl Listing<'_> {
    fn walk(&mut self, below: &Path, depth: usize) -> Result<()> {
        let folder = self.root.join(below);
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
            let name = entry.map_err(|error| unreadable(&folder, &error))?.file_name();
            let path = below.join(name);
            let named = slashed(&path);
            let is_folder = self.root.join(&path).is_dir();
            let is_hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            let is_set = is_record_name(&named) || has_extension(&named, &ARCHIVES);
            let is_wanted = is_image_name(&named) || is_set;
            if is_hidden || !is_folder && !is_wanted {
                continue;
            }
            let own = self.root.join(&path);
            let real = own.canonicalize().map_err(|error| unreadable(&own, &error))?;
            if !real.starts_with(self.real) {
                return Err(Error::new("a link that leads out of the folder")
                    .in_file(own.display().to_string())
                    .way_out("Put what it leads to into the folder, or give that folder itself."));
            }
            if !is_folder {
                self.found.push((path, real));
            } else if depth < MAX_DEPTH && self.seen.insert(real) {
                self.walk(&path, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Refuses a class folder without images: the classes behind it would move up by one.
fn check_folders(root: &Path, found: &[(PathBuf, PathBuf)]) -> Result<()> {
    for entry in fs::read_dir(root).map_err(|error| unreadable(root, &error))?.flatten() {
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with(['.', '_']);
        let empty = entry.path().is_dir() && !found.iter().any(|(file, _)| file.starts_with(&name));
        if empty && !hidden && !found.is_empty() {
            return Err(Error::new("the class folder has no image")
                .in_file(entry.path().display().to_string())
                .way_out("Classes are the folders in order: put an image in, or remove it."));
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

/// Refuses a path that is also read from, and one that cannot be written: before the work, not
/// after it.
pub(super) fn check_output<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    if inputs.into_iter().any(|input| is_same(output, input)) {
        return Err(Error::new("the output would overwrite an input")
            .in_file(output.display().to_string())
            .way_out("Give another name."));
    }
    match Destination::of(output)? {
        Destination::Stream => Ok(()),
        Destination::File { passing, .. } => {
            let tried = fs::write(&passing, []).and_then(|()| fs::remove_file(&passing));
            tried.map_err(|error| unwritable(output, &error))
        }
    }
}

/// Refuses outputs that [`check_output`] refuses, and two of one name.
pub(super) fn check_outputs<'a>(
    outputs: &[&PathBuf],
    inputs: impl IntoIterator<Item = &'a PathBuf> + Clone,
) -> Result<()> {
    for (place, output) in outputs.iter().enumerate() {
        check_output(output, inputs.clone())?;
        if outputs[..place].iter().any(|other| other == output || is_same(other, output)) {
            return Err(Error::new("two outputs would be written here")
                .in_file(output.display().to_string())
                .way_out("Give each a name of its own."));
        }
    }
    Ok(())
}

/// Writes all of a file or nothing: under a passing name first, then renamed. A device or a pipe is
/// written to as it is.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = match Destination::of(path)? {
        Destination::Stream => fs::write(path, bytes),
        Destination::File { passing, path } => {
            let written = fs::write(&passing, bytes).and_then(|()| fs::rename(&passing, path));
            // It may not even exist; the first error is the one to tell.
            written.inspect_err(|_| drop(fs::remove_file(&passing)))
        }
    };
    written.map_err(|error| unwritable(path, &error))
}

/// What an output's path stands for.
enum Destination {
    /// A file, present or not, behind any links; and the passing name beside it.
    File { path: PathBuf, passing: PathBuf },
    /// What is no file: a device, a pipe.
    Stream,
}

impl Destination {
    fn of(path: &Path) -> Result<Self> {
        let no_file = || Error::new("not the name of a file").in_file(path.display().to_string());
        let path = match fs::metadata(path) {
            Ok(present) if present.is_dir() => return Err(no_file()),
            Ok(present) if !present.is_file() => return Ok(Self::Stream),
            Ok(_) => path.canonicalize().map_err(|error| unwritable(path, &error))?,
            // Nothing there yet, or behind a link.
            Err(_) => match fs::read_link(path) {
                Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
                Err(_) => path.to_path_buf(),
            },
        };
        let name = path.file_name().ok_or_else(no_file)?.to_string_lossy();
        let passing = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        Ok(Self::File { path, passing })
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(format!("the file cannot be written ({error})"))
        .in_file(path.display().to_string())
        .way_out("Give another name, in a folder that exists and may be written to.")
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(format!("the file cannot be read ({error})")).in_file(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

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
        let error = check_output(&folder.path().join("missing/out.onnx"), []).unwrap_err();
        assert!(error.what.contains("cannot be written"), "{error}");
        check_output(&path, []).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_stay_devices() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [link, target] = ["link", "target"].map(|name| folder.path().join(name));
        symlink("target", &link).unwrap();
        for bytes in [b"first", b"later"] {
            write(&link, bytes).unwrap();
            assert_eq!(fs::read(&target).unwrap(), bytes);
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
        let socket = folder.path().join("socket");
        let _open = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        // A socket takes no file's bytes, but it is not replaced either.
        assert!(write(&socket, b"x").is_err());
        assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
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

    /// A network of one tensor whose bytes are in `location`; by the numbers of its message's fields.
    fn naming(location: &str) -> Vec<u8> {
        let field = |number: u8, content: &[u8]| {
            [&[number << 3 | 2, content.len() as u8][..], content].concat()
        };
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        field(7, &field(5, &field(13, &entry)))
    }

    #[test]
    fn weights_are_read_from_the_folder_of_their_network_alone() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("folder");
        fs::create_dir_all(folder.join("below")).unwrap();
        for name in ["outside.data", "folder/w.data", "folder/below/w.data"] {
            fs::write(outer.path().join(name), name).unwrap();
        }
        let path = folder.join("net.onnx");
        let read = |location: &str| {
            fs::write(&path, naming(location)).unwrap();
            read_network(&path)
        };
        for location in ["w.data", "./w.data", "below/w.data"] {
            let (_, beside) = read(location).unwrap();
            let [file] = &beside[..] else { panic!("{location}") };
            assert_eq!(file.name, location);
            assert!(file.bytes.ends_with(b"w.data"), "{location}");
        }
        // What is missing is told by who reads the network.
        assert!(read("none.data").unwrap().1.is_empty());
        let absolute = folder.join("w.data").display().to_string();
        for location in ["../outside.data", "below/../../outside.data", "below", &absolute] {
            let error = read(location).unwrap_err();
            assert!(error.what.contains("outside its folder"), "{location}: {error}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("below/w.data", folder.join("link.data")).unwrap();
            assert_eq!(read("link.data").unwrap().1.len(), 1);
            std::os::unix::fs::symlink("../outside.data", folder.join("out.data")).unwrap();
            assert!(read("out.data").is_err());
        }
    }

    #[test]
    fn a_folder_gives_its_images_by_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1.png", "b/2.JPG", "b/notes.txt", "b/notes.pdf", ".hidden/3.png"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let (mut files, disk) = read_data(folder.path(), None).unwrap();
        files.sort_by(|a, b| a.name().cmp(b.name()));
        let names: Vec<_> = files.iter().map(Source::name).collect();
        assert_eq!(names, ["a/1.png", "b/2.JPG", "b/notes.txt"]);
        let Source::Lying { place, .. } = files[0] else { panic!("it lies on the disk") };
        let mut content = String::new();
        disk.open(place).unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "a/1.png");
        fs::remove_file(folder.path().join("a/1.png")).unwrap();
        assert_eq!(
            read_data(folder.path(), None).unwrap_err().what,
            "the class folder has no image"
        );
        fs::remove_dir_all(folder.path().join("a")).unwrap();
        fs::remove_dir_all(folder.path().join("b")).unwrap();
        assert_eq!(
            read_data(folder.path(), None).unwrap_err().what,
            "no image was found in the folder"
        );
    }
}
