//! Which images are frames, and what is known of each: from tables, tubs, names and folders.

mod columns;
mod folders;
mod names;
pub(super) mod natural;
mod order;
mod paths;
mod table;
mod tub;
mod udacity;

use std::borrow::Cow;
use std::collections::HashMap;

use super::entry::Entry;
use crate::error::{Context, Error, Result};
use crate::vocabulary::labelling::{Cameras, Labelling};
use crate::vocabulary::labels::{Column, Labels, MAX_CLASSES, Numbers};

use self::paths::{Absent, Images};
use self::table::{Row, Table, number};
use self::udacity::Camera;

/// More classes than this are only where a name says so.
const FEW: u32 = 32;

/// Gives the content of an entry.
pub(super) type Load<'l, 'a> = dyn FnMut(usize) -> Result<Cow<'a, [u8]>> + 'l;

/// Frames before they are read.
pub(super) struct Records {
    /// Where all this was found, in words.
    pub(super) source: String,
    /// The frames' images among the entries.
    pub(super) images: Vec<usize>,
    pub(super) labels: Option<Labels>,
    pub(super) class_names: Vec<String>,
    /// Numbers for inputs of a network, by their names.
    pub(super) inputs: Vec<(String, Vec<f32>)>,
    /// Frames that do not follow those before them in the drive, ascending.
    pub(super) gaps: Vec<usize>,
    /// What was left out, and why.
    pub(super) notes: Vec<String>,
}

/// Finds the frames among `entries`; `load` gives the content of one.
///
/// Labels come from names that a pattern is said for, else from Donkeycar's tubs, else from tables that name
/// images, else from what programs write into all names (x and y, an angle), else from class folders: the class folder's own number when
/// all of them begin with different ones and one is 0 (`0-nothing`, `3-gas`: a class may be missing), else
/// the folder's place in byte-wise order (as torchvision's `ImageFolder`); folders above do not count.
/// Images in a single folder have no labels. Rows whose image or label is missing are counted, named and left
/// out. Without rows frames are in the natural order of their paths, 2 before 10.
///
/// # Errors
/// No frames; what was said of columns and names that is not so.
pub(super) fn find(entries: &[Entry], load: &mut Load, labelling: &Labelling) -> Result<Records> {
    let images = Images::of(entries);
    if images.all.is_empty() {
        return Err(Error::new("no image was found").way_out(
            "Data is PNG, JPEG, WebP or BMP images in class folders or beside a table of their labels, a \
             tub, or an npz with `x` and `y`.",
        ));
    }
    if let Some(pattern) = &labelling.pattern {
        let table = names::matching(&images, pattern)?;
        return named(&table, Order::Names, &images, labelling);
    }
    let mut notes = Vec::new();
    let tubs = tubs(&images, load, labelling)?;
    let rows = match tubs.is_empty() {
        true => tables(&images, load, labelling, &mut notes)?,
        false => tubs,
    };
    if let Some(mut records) = join(rows)? {
        records.notes.extend(notes);
        return Ok(records);
    }
    if let Some((table, order)) = names::usual(&images) {
        let mut records = named(&table, order, &images, labelling)?;
        records.notes.extend(notes);
        return Ok(records);
    }
    let folders = folders::of(entries, &images.all)?;
    let (labels, class_names) = folders.as_deref().map_or((None, Vec::new()), |folders| {
        let (labels, class_names) = folders::label(folders);
        (Some(Labels::of_classes(labels)), class_names)
    });
    let source = match class_names.len() {
        0 => format!("{} images without labels", images.all.len()),
        classes => format!("{} images in {classes} class folders", images.all.len()),
    };
    let names: Vec<&str> = images.all.iter().map(|&image| &*entries[image].path).collect();
    let gaps = order::jumps(&names);
    let images = images.all;
    Ok(Records { source, images, labels, class_names, inputs: Vec::new(), gaps, notes })
}

/// The records of a table that the names are.
fn named(table: &Table, order: Order, images: &Images, labelling: &Labelling) -> Result<Records> {
    let groups = (1..table.columns.len()).collect();
    let found = Found { table, labels: Some(groups), from: &[], order, beside: false };
    let mut records = found.records(images, labelling)?;
    records.source =
        format!("{} in the names of {} images", records.described(), records.images.len());
    Ok(records)
}

/// The records of every tub.
fn tubs(images: &Images, load: &mut Load, labelling: &Labelling) -> Result<Vec<Records>> {
    let mut all = Vec::new();
    for manifest in ordered(images.entries, Entry::is_manifest) {
        let entry = &images.entries[manifest];
        let Some(tub) = tub::read(images.entries, manifest, load)? else { continue };
        let from = entry.folders();
        let found = Found {
            table: &tub.table,
            labels: None,
            from: &from,
            order: Order::Rows,
            beside: false,
        };
        let mut records = found.records(images, labelling).in_file(&entry.shown)?;
        let frames = records.images.len();
        records.source = format!("Donkeycar's tub, {frames} records, {}", records.described());
        records.notes.splice(0..0, tub.notes);
        all.push(records);
    }
    Ok(all)
}

/// The records of every table that names images; of others it is noted that they do not.
///
/// # Errors
/// Where no table gives records, and nothing else labels: why.
fn tables(
    images: &Images,
    load: &mut Load,
    labelling: &Labelling,
    notes: &mut Vec<String>,
) -> Result<Vec<Records>> {
    let mut all = Vec::new();
    let mut faults = Vec::new();
    for at in ordered(images.entries, Entry::is_table) {
        let entry = &images.entries[at];
        // Any text may lie beside images.
        let is_text = entry.path.to_ascii_lowercase().ends_with(".txt");
        let content = load(at).in_file(&entry.shown)?;
        let read = of_table(&table::text(&content), entry, images, labelling);
        match read.in_file(&entry.shown) {
            Ok(Some(records)) if entry.beside => all.push(records.in_class_folders(images)),
            Ok(Some(records)) => all.push(records),
            Ok(None) if is_text => {}
            Ok(None) => notes.push(format!("{} names no image and is passed over", entry.shown)),
            Err(_) if is_text && !labelling.names_columns() => {}
            Err(error) => faults.push(error),
        }
    }
    let is_labelled = || {
        let folders = folders::of(images.entries, &images.all);
        names::usual(images).is_some() || folders.is_ok_and(|folders| folders.is_some())
    };
    if all.is_empty() && (labelling.names_columns() || !faults.is_empty() && !is_labelled()) {
        return Err(faults.into_iter().next().unwrap_or_else(|| {
            Error::new("no table names the images").way_out(
                "The columns of --images, --labels and --input are those of a CSV beside the images.",
            )
        }));
    }
    notes.extend(faults.iter().map(|fault| format!("passed over: {fault}")));
    Ok(all)
}

/// The records of a table; `None` where none of its columns names images.
fn of_table(
    text: &str,
    entry: &Entry,
    images: &Images,
    labelling: &Labelling,
) -> Result<Option<Records>> {
    let mut table = Table::parse(text, images)?;
    udacity::name_columns(&mut table);
    if labelling.images.is_none() && columns::of_images(&table, images).is_none() {
        return Ok(None);
    }
    let from = entry.folders();
    let found = Found {
        table: &table,
        labels: None,
        from: &from,
        order: Order::Names,
        beside: entry.beside,
    };
    let mut records = found.records(images, labelling)?;
    let (name, rows, what) = (entry.file_name(), table.rows.len(), records.described());
    records.source = match (udacity::cameras(&table, labelling), labelling.cameras) {
        (None, _) => format!("{name}, {rows} rows, {what}"),
        (Some(_), Cameras::Center) => {
            format!("Udacity's {name}, {rows} rows, centre camera, {what}")
        }
        (Some(_), Cameras::All) => format!("Udacity's {name}, {rows} rows, three cameras, {what}"),
    };
    Ok(Some(records))
}

/// The entries of a kind in natural order.
fn ordered(entries: &[Entry], is: fn(&Entry) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).filter(|&i| is(&entries[i])).collect();
    order.sort_by(|&a, &b| natural::compare(&entries[a].path, &entries[b].path));
    order
}

/// All records, one after another.
fn join(parts: Vec<Records>) -> Result<Option<Records>> {
    let count = parts.len();
    let mut parts = parts.into_iter();
    let Some(mut all) = parts.next() else { return Ok(None) };
    for part in parts {
        let inputs = |records: &Records| {
            records.inputs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let alike = all.class_names == part.class_names && inputs(&all) == inputs(&part);
        let before = all.images.len();
        let labelled = match (&mut all.labels, part.labels) {
            (Some(own), Some(other)) => own.extend(other),
            (own, other) => own.is_none() && other.is_none(),
        };
        if !alike || !labelled {
            return Err(Error::new(format!(
                "several tables name images, with different labels: {}; {}",
                all.source, part.source
            ))
            .way_out("Leave one of them, or name columns that all have with --labels."));
        }
        all.images.extend(part.images);
        for ((_, own), (_, other)) in all.inputs.iter_mut().zip(part.inputs) {
            own.extend(other);
        }
        all.gaps.push(before);
        all.gaps.extend(part.gaps.iter().map(|gap| before + gap));
        all.notes.extend(part.notes);
    }
    if count > 1 {
        all.source = format!("{count} times as {}; {} frames in all", all.source, all.images.len());
    }
    Ok(Some(all))
}

impl Records {
    /// With the classes of the folders that the images lie in, where those are numbered from 0, in front of
    /// what a table says; frames follow one another then as without it.
    fn in_class_folders(mut self, images: &Images) -> Self {
        // Those of all images, also where rows lack whole classes.
        let folders = folders::of(images.entries, &images.all).ok().flatten();
        let folders =
            folders.filter(|folders| self.class_names.is_empty() && folders::are_numbered(folders));
        let (Some(folders), Some(labels)) = (folders, &self.labels) else { return self };
        let (all, class_names) = folders::label(&folders);
        let by_image: HashMap<usize, u32> = images.all.iter().copied().zip(all).collect();
        let classes = self.images.iter().map(|image| by_image[image]).collect();
        self.labels = labels.beside_classes(classes);
        self.source = format!("{} class folders; {}", class_names.len(), self.source);
        self.class_names = class_names;
        let path = |&image: &usize| &*images.entries[image].path;
        self.gaps = order::jumps(&self.images.iter().map(path).collect::<Vec<_>>());
        self
    }

    /// The labels, in words.
    fn described(&self) -> String {
        let columns = self.labels.iter().flat_map(Labels::columns);
        let names: Vec<&str> = columns.map(|c| c.name.as_deref().unwrap_or("classes")).collect();
        if names.is_empty() { "no labels".into() } else { format!("labels {}", names.join(", ")) }
    }
}

/// What tells where a table's frames follow one another.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// Its rows say it.
    Rows,
    /// Names that are numbered do.
    Names,
    /// Nothing does.
    None,
}

/// A table, and what is known of it.
struct Found<'t> {
    table: &'t Table<'t>,
    /// The columns that are labels, where that is known.
    labels: Option<Vec<usize>>,
    /// The folder that it lies in.
    from: &'t [&'t str],
    order: Order,
    /// Whether rows may be for the images of other archives.
    beside: bool,
}

/// Why a row gives no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Broken,
    Image(Absent),
    Label,
}

/// Rows that were left out: why, how many, and the first.
#[derive(Default)]
struct Skipped(Vec<(Why, usize, String)>);

impl Skipped {
    fn add(&mut self, why: Why, first: impl FnOnce() -> String) {
        match self.0.iter_mut().find(|(own, ..)| *own == why) {
            Some((_, count, _)) => *count += 1,
            None => self.0.push((why, 1, first())),
        }
    }

    fn notes(&self, rows: usize) -> Vec<String> {
        let note = |(why, count, first): &(Why, usize, String)| {
            let why = match why {
                Why::Broken => "broken",
                Why::Image(Absent::Missing) => "the image is not there",
                Why::Image(Absent::Outside) => "the path leaves the folder",
                Why::Image(Absent::Unclear) => "several images are called so",
                Why::Label => "no number",
            };
            format!("{count} of {rows} rows left out, {why}: the first is {first}")
        };
        self.0.iter().map(note).collect()
    }
}

/// A column whose cells become numbers.
struct Wanted {
    column: usize,
    /// Whether the camera's correction is for it.
    turns: bool,
}

impl Found<'_> {
    /// The frames of all rows that have one.
    ///
    /// # Errors
    /// No such row; columns that are not there, or not clear.
    fn records(&self, images: &Images, labelling: &Labelling) -> Result<Records> {
        let table = self.table;
        let cameras = self.cameras(images, labelling)?;
        let mut inputs = Vec::new();
        for (_, column) in &labelling.inputs {
            inputs.push(table.column(column, "--input")?);
        }
        let (chosen, found) = self.chosen(&cameras, &inputs, labelling)?;
        let name = |column: usize| &table.columns[column];
        let wanted: Vec<Wanted> = chosen
            .iter()
            .map(|&column| Wanted { column, turns: columns::is_steering(name(column)) })
            .chain(inputs.iter().map(|&column| Wanted { column, turns: false }))
            .collect();
        let texts = self.has_class_names(&chosen);
        let mut kept = Kept { columns: vec![Vec::new(); wanted.len()], ..Kept::default() };
        let mut skipped = Skipped::default();
        for camera in &cameras {
            let start = kept.images.len();
            let mut follows = false;
            for row in &table.rows {
                follows &= row.follows;
                match self.row(row, camera, &wanted, texts, images, labelling) {
                    Ok((image, numbers)) => {
                        if !follows && !kept.images.is_empty() {
                            kept.gaps.push(kept.images.len());
                        }
                        kept.add(row, image, numbers, texts.then(|| chosen[0]));
                        follows = true;
                    }
                    Err((why, first)) => {
                        if !self.beside || why != Why::Image(Absent::Missing) {
                            skipped.add(why, || format!("{first} in {}", row.place));
                        }
                        follows = false;
                    }
                }
            }
            let names: Vec<&str> =
                kept.images[start..].iter().map(|&i| &*images.entries[i].path).collect();
            kept.gaps.extend(match self.order {
                Order::Rows => Vec::new(),
                Order::Names => order::gaps(&names).iter().map(|gap| start + gap).collect(),
                Order::None => (start + 1..kept.images.len()).collect(),
            });
        }
        if let Some((count, first)) = &table.broken {
            skipped.0.push((Why::Broken, *count, first.clone()));
        }
        let broken = table.broken.as_ref().map_or(0, |(count, _)| *count);
        let notes = skipped.notes(table.rows.len() * cameras.len() + broken);
        if kept.images.is_empty() {
            let why = notes.first().map_or_else(|| "it has no rows".into(), Clone::clone);
            return Err(Error::new(format!("no frame is left: {why}")).way_out(
                "Give the folder that has both, the table and its images; columns are named with --images \
                 and --labels.",
            ));
        }
        Ok(kept.records(table, &chosen, found, labelling, notes))
    }

    /// The columns of images.
    fn cameras(&self, images: &Images, labelling: &Labelling) -> Result<Vec<Camera>> {
        if let Some(name) = &labelling.images {
            return Ok(vec![Camera { column: self.table.column(name, "--images")?, turn: 0.0 }]);
        }
        if let Some(cameras) = udacity::cameras(self.table, labelling) {
            return Ok(cameras);
        }
        let column = columns::of_images(self.table, images).ok_or_else(|| {
            Error::new(format!("none of its columns names images: {}", self.table.described()))
                .way_out("Name the one that does with --images.")
        })?;
        Ok(vec![Camera { column, turn: 0.0 }])
    }

    /// The columns of labels, and whether nobody chose them.
    fn chosen(
        &self,
        cameras: &[Camera],
        inputs: &[usize],
        labelling: &Labelling,
    ) -> Result<(Vec<usize>, bool)> {
        if !labelling.labels.is_empty() {
            let column = |name: &String| self.table.column(name, "--labels");
            let columns = labelling.labels.iter().map(column).collect::<Result<_>>()?;
            return Ok((columns, false));
        }
        let is_free = |column: &usize| !inputs.contains(column);
        if let Some(labels) = &self.labels {
            return Ok((labels.iter().copied().filter(is_free).collect(), false));
        }
        let all =
            udacity::cameras(self.table, &Labelling { cameras: Cameras::All, ..labelling.clone() });
        let taken = cameras.iter().chain(all.iter().flatten()).map(|camera| camera.column);
        let taken: Vec<usize> = taken.chain(inputs.iter().copied()).collect();
        Ok((columns::of_labels(self.table, &taken, all.is_some())?, true))
    }

    /// Whether the labels are classes by their names.
    fn has_class_names(&self, chosen: &[usize]) -> bool {
        let [column] = *chosen else { return false };
        let is_number = |cell: &str| number(cell, self.table.decimal_comma).is_some();
        columns::is_class(&self.table.columns[column])
            && !self.table.probes(column).any(|cell| is_number(cell) || cell.is_empty())
    }

    /// The image of a row and the numbers in it, or why it has none.
    fn row(
        &self,
        row: &Row,
        camera: &Camera,
        wanted: &[Wanted],
        texts: bool,
        images: &Images,
        labelling: &Labelling,
    ) -> Result<(usize, Vec<f64>), (Why, String)> {
        let path = &row.cells[camera.column];
        let image = images.find(path, self.from);
        let image = image.map_err(|absent| (Why::Image(absent), format!("`{path}`")))?;
        let mut numbers = Vec::with_capacity(wanted.len());
        for (at, Wanted { column, turns }) in wanted.iter().enumerate() {
            let cell = &row.cells[*column];
            let value = match number(cell, self.table.decimal_comma) {
                Some(value) if value.is_finite() => value,
                _ if texts && at == 0 => 0.0,
                _ => {
                    let column = &self.table.columns[*column];
                    return Err((Why::Label, format!("`{cell}` as {column}")));
                }
            };
            let turn = if *turns { camera.turn * labelling.camera_correction } else { 0.0 };
            numbers.push(value + turn);
        }
        Ok((image, numbers))
    }
}

/// Frames that rows gave.
#[derive(Default)]
struct Kept {
    images: Vec<usize>,
    /// Of labels first, then of inputs.
    columns: Vec<Vec<f64>>,
    /// The names of classes, where labels are those.
    classes: Vec<String>,
    gaps: Vec<usize>,
}

impl Kept {
    fn add(&mut self, row: &Row, image: usize, numbers: Vec<f64>, class: Option<usize>) {
        self.images.push(image);
        for (own, number) in self.columns.iter_mut().zip(numbers) {
            own.push(number);
        }
        self.classes.extend(class.map(|column| row.cells[column].to_string()));
    }

    fn records(
        mut self,
        table: &Table,
        chosen: &[usize],
        found: bool,
        labelling: &Labelling,
        notes: Vec<String>,
    ) -> Records {
        let inputs = self.columns.split_off(chosen.len());
        let inputs = labelling.inputs.iter().zip(inputs).map(|((name, _), numbers)| {
            (name.clone(), numbers.iter().map(|&number| number as f32).collect())
        });
        let inputs = inputs.collect();
        let mut class_names = Vec::new();
        let labels = if self.classes.is_empty() {
            let named = |(column, numbers): (&usize, Vec<f64>)| Column {
                name: Some(table.columns[*column].clone()),
                numbers: kind_of(&table.columns[*column], numbers),
            };
            Labels::new(chosen.iter().zip(self.columns).map(named).collect())
        } else {
            class_names.clone_from(&self.classes);
            class_names.sort_unstable();
            class_names.dedup();
            let class = |name| class_names.binary_search(name).map_or(0, |class| class as u32);
            Some(Labels::of_classes(self.classes.iter().map(class).collect()))
        };
        let labels = if found { labels.map(Labels::found) } else { labels };
        self.gaps.sort_unstable();
        self.gaps.dedup();
        let Self { images, gaps, .. } = self;
        let source = String::new();
        Records { source, images, labels, class_names, inputs, gaps, notes }
    }
}

/// Small whole numbers are classes unless their column's name says that they mean themselves.
fn kind_of(name: &str, numbers: Vec<f64>) -> Numbers {
    let class = |&number: &f64| {
        let is_class = number >= 0.0 && number < f64::from(MAX_CLASSES) && number.fract() == 0.0;
        is_class.then_some(number as u32)
    };
    match numbers.iter().map(class).collect() {
        Some(classes) if columns::is_class(name) => Numbers::Classes(classes),
        Some(classes) if !columns::is_value(name) && classes.iter().all(|&class| class < FEW) => {
            Numbers::Classes(classes)
        }
        _ => Numbers::Values(numbers),
    }
}

#[cfg(test)]
mod tests;
