//! What is taken home as files: the comparison as a report, recipes, and what other tools read.

use std::rc::Rc;

use serde_bytes::ByteBuf;

use super::queue::{NamesFor, Purpose};
use super::{Effect, State};
use crate::error::{Error, Result};
use crate::lab::protocol::{ModelId, Request, Role};
use crate::report::figure::Column;
use crate::report::node_data::{self, Told};
use crate::report::overrides::{self, Tensors};
use crate::report::{self, Comparison, Document, Frames, Variant};
use crate::vocabulary::driving::Driving;
use crate::vocabulary::file::File;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::report::{Report, Series};

/// What a file is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Export {
    /// Every variant that is shown, as `steer8 compare` writes it.
    Html,
    Markdown,
    Csv,
    /// The recipe of a variant.
    Recipe(ModelId),
    /// How a variant's tensors are quantized, for ONNX Runtime's quantizer.
    Overrides(ModelId),
    /// How long a variant's nodes take, for Model Explorer.
    Times(ModelId),
    /// What the account of the damage says of the layers, for Model Explorer.
    Damage(Told),
}

impl State {
    /// The comparison as it is handed on; `None` while nothing is measured.
    fn document(&self) -> Option<Document> {
        let columns = self.columns();
        let measured: Vec<&Column<'_>> =
            columns.iter().filter(|column| column.report.is_some()).collect();
        let first = measured.first()?;
        let alike = measured.iter().all(|column| column.frames == first.frames);
        let present = alike && first.frames == self.present_frames();
        let loaded = self.data(Role::Validation).loaded.as_ref().filter(|_| present);
        let frames = loaded
            .map(|loaded| Frames { name: loaded.name.clone(), summary: (*loaded.summary).clone() });
        let series = if alike { self.series_of(&measured) } else { Vec::new() };
        let variants = measured.iter().filter_map(|column| self.told(column)).collect();
        let comparisons = vec![Comparison { variants, series }];
        Some(Document { comparisons, frames, command: None })
    }

    /// A column as a report tells it.
    fn told(&self, column: &Column<'_>) -> Option<Variant> {
        let variant = self.variant(column.id)?;
        let file = match &variant.made {
            Some(made) => made.file.name.clone(),
            None => format!("{}.onnx", self.title(column.id)),
        };
        let driving = column
            .driven
            .map(|driven| Box::new(Driving { driven: driven.clone(), against_float: None }));
        let report = column.report?.clone();
        Some(Variant {
            name: Some(column.name.clone()),
            report: Report { model: file, driving, ..report },
            command: self.command_of(variant),
        })
    }

    /// Values over the frames, where all have said something of them in this visit.
    fn series_of(&self, columns: &[&Column<'_>]) -> Vec<Series> {
        let Some(labels) = &self.frame_labels else { return Vec::new() };
        let answers = |at: usize| -> Option<Vec<Vec<f32>>> {
            let of = |column: &&Column<'_>| {
                let measured = self.variant(column.id)?.measured.as_ref()?;
                measured.values.get(at).cloned()
            };
            columns.iter().map(of).collect()
        };
        let series = labels.values.iter().enumerate();
        let series = series.filter_map(|(at, (name, labels))| {
            Some(Series {
                name: name.clone(),
                column: None,
                labels: labels.clone(),
                answers: answers(at)?,
            })
        });
        series.collect()
    }

    /// Whether there is something to report.
    pub fn can_report(&self) -> bool {
        self.columns().iter().any(|column| column.report.is_some())
    }

    pub(super) fn export(&mut self, what: Export, effects: &mut Vec<Effect>) {
        if let Export::Overrides(id) = what {
            return self.want_tensors(id, effects);
        }
        match self.exported(&what) {
            Ok(Some((name, text))) => save(name, text, effects),
            Ok(None) => {}
            Err(error) => self.complain(error),
        }
    }

    /// The file's name and its text.
    fn exported(&self, what: &Export) -> Result<Option<(String, String)>> {
        let network = self.selected.as_deref().map(|id| self.title(&self.bench_of(id)));
        let named = |ending: &str| format!("{}-{ending}", stem(network.as_deref()));
        let document = || self.document();
        let of = |id: &str, ending: &str| -> Option<String> {
            let file = match &self.variant(id)?.made {
                Some(made) => made.file.name.clone(),
                None => self.title(id),
            };
            let bare = file.strip_suffix(".onnx").unwrap_or(&file);
            Some(format!("{bare}{ending}"))
        };
        Ok(match what {
            Export::Html => document().map(|d| (named("report.html"), report::html::write(&d))),
            Export::Markdown => {
                document().map(|d| (named("report.md"), report::markdown::write(&d)))
            }
            Export::Csv => match document() {
                Some(document) => Some((named("figures.csv"), report::csv::write(&document)?)),
                None => None,
            },
            Export::Recipe(id) => {
                let recipe = self.variant(id).and_then(super::Variant::recipe);
                let json = recipe.map(Recipe::to_short_json).transpose()?;
                of(id, "-recipe.json").zip(json)
            }
            Export::Times(id) => {
                let profile = self.variant(id).and_then(super::Variant::report);
                let data = profile.map(|report| node_data::of_times(&report.profile));
                of(id, "-milliseconds.json").zip(data)
            }
            Export::Damage(figure) => {
                let explained = self.selected.as_ref().and_then(|id| self.explained.get(id));
                explained.map(|explained| {
                    let data = node_data::of_analysis(*figure, &explained.analysis);
                    (named("node-data.json"), data)
                })
            }
            Export::Overrides(_) => None,
        })
    }

    /// Overrides name tensors of the float network's file, which the worker knows.
    fn want_tensors(&mut self, id: ModelId, effects: &mut Vec<Effect>) {
        if let Some(model) = self.selected.as_deref().map(|id| self.bench_of(id)) {
            self.send(Purpose::Name(NamesFor::Overrides(id)), Request::Tensors { model }, effects);
        }
    }

    /// Takes up a recipe that was opened: one of ours, or what ONNX Runtime's quantizer is told.
    pub(super) fn open_recipe(&mut self, file: File, effects: &mut Vec<Effect>) {
        if overrides::are_in(&file.bytes) {
            match self.selected.clone() {
                Some(model) => {
                    let wanted = NamesFor::Reading(Rc::new(file));
                    self.send(Purpose::Name(wanted), Request::Tensors { model }, effects);
                }
                None => self.complain(Error::new("no network is chosen").in_file(file.name)),
            }
            return;
        }
        match Recipe::from_json(&file.bytes) {
            Ok(recipe) => self.set_recipe(recipe),
            Err(error) => self.complain(error.in_file(file.name).way_out(
                "Open the JSON of a recipe, or TensorQuantOverrides of ONNX Runtime's quantizer.",
            )),
        }
    }

    pub(super) fn named(
        &mut self,
        wanted: NamesFor,
        model: &str,
        tensors: &Tensors,
        effects: &mut Vec<Effect>,
    ) {
        match wanted {
            NamesFor::Overrides(id) => self.write_overrides(&id, tensors, effects),
            NamesFor::Reading(file) if self.selected.as_deref() == Some(model) => {
                let mut recipe = self.recipe.clone();
                match overrides::read(&file.bytes, tensors, &mut recipe) {
                    Ok(()) => self.set_recipe(recipe),
                    Err(error) => self.complain(error.in_file(&file.name)),
                }
            }
            // Another network was chosen since.
            NamesFor::Reading(_) => {}
        }
    }

    fn write_overrides(&mut self, id: &str, tensors: &Tensors, effects: &mut Vec<Effect>) {
        let Some(made) = self.variant(id).and_then(|variant| variant.made.clone()) else { return };
        let written = overrides::write(&made.summary.tensors, tensors);
        let bare = made.file.name.strip_suffix(".onnx").unwrap_or(&made.file.name);
        let name = format!("{bare}-overrides.json");
        if !written.untold.is_empty() {
            let what = format!("overrides can't say all of it: {}", written.untold.join("; "));
            self.complain(Error::new(what).in_file(&name).way_out(
                "ONNX Runtime's quantizer will make another file; the int8 file itself says all.",
            ));
        }
        save(name, written.json, effects);
    }
}

/// What files about a network begin with.
fn stem(title: Option<&str>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    title.unwrap_or("steer8").chars().map(plain).collect()
}

fn save(name: String, text: String, effects: &mut Vec<Effect>) {
    let bytes = ByteBuf::from(text.into_bytes());
    effects.push(Effect::Save(Rc::new(File { name, bytes })));
}
