//! The page: what a visitor sees, and the pure reducer behind it.
//!
//! End-to-end tests find their way by `data-testid`, and read exact figures from `data-value`
//! (what is written is rounded for people):
//!
//! | `data-testid` | what | attributes |
//! | --- | --- | --- |
//! | `place-{id}` | a tab: `drive`, `compare`, `layers`, `frames`, `train`, `data`. Where one is not, what is shown there is as old as the last visit | `aria-current` |
//! | `chosen`, `chosen-recipe` | the chosen network, to be changed anywhere, and the recipe in words | |
//! | `network-{id}` | a network's card; clicking it chooses the network | `data-status` (`idle`, `fetching`, `loading`, `ready`, `failed`), `data-variant` |
//! | `close-{id}` | takes a network that was opened off the list | |
//! | `open-model` | the file input for an `.onnx` | |
//! | `frame` | a frame of the strip | `data-index`, `data-label` |
//! | `answer` | what a network says about a frame | `data-model`, `data-value` (class), `data-probability` |
//! | `other-frames` | shows other frames | |
//! | `quantize` | the big button | |
//! | `cancel` | stops the job: a comparison, an analysis, a search | |
//! | `progress` | the job's progress, while it runs | `data-stage`, `data-done`, `data-total` |
//! | `left` | about how long its present step still takes | |
//! | `grid`, `grid-count` | all frames that are wanted | `data-value` (how many) |
//! | `grid-wanted`, `grid-of`, `grid-beside`, `grid-class`, `grid-clear` | which are wanted | |
//! | `grid-frame` | a frame in view | `data-index` |
//! | `opened-frame`, `opened-labels`, `opened-answer`, `close-frame` | one frame, all its labels, and what every variant says of it | `data-index`, `data-model` |
//! | `misfit`, `misfit-open-{role}` | says above every place that frames, or the bundled ones that would be fetched, do not fit the network, and opens others (`…-folder`: a folder) | |
//! | `compare-with` | the reference of an int8 network | |
//! | `download` | saves the int8 file made here | `data-value` (SHA-256), `data-bytes` |
//! | `recipe` | the recipe in words | `data-value` (its short JSON) |
//! | `preset-{id}`, `options`, `option-{field}` | a recipe to start from, the fold with every option, an option by the name of its field, with dashes | |
//! | `open-recipe` | the file input for a recipe or overrides | |
//! | `recipe-fault` | why the recipe cannot be carried out | |
//! | `layer-chip` | what the recipe tells one layer; the button in it takes that back | `data-node` |
//! | `copy-link`, `copy-command` | the recipe as a link and as a command line | `data-value` (the link's part behind `#`; the command line) |
//! | `open-recipe` | opens a file with a recipe, or with ONNX Runtime's overrides | |
//! | `stale` | says that what follows was made by another recipe | |
//! | `analyze`, `analysis-frames` | the account of the damage, and on how many frames | |
//! | `analysis` | that account | `data-value` (layers) |
//! | `node-figure`, `save-node-data` | a figure of the layers as a file | |
//! | `warnings`, `worst-layer`, `all-quantized`, `saturating`, `by-calibration-frames`, `re-evaluated` | its parts | |
//! | `sort-node`, `sort-macs`, … | headings of its table that sort | |
//! | `layer` | a layer; in it `layer-open`, which shows `layer-detail`, `keep-float`, `layer-bits`, and the figures `layer-macs`, `weight-bits`, `dead-channels`, `sqnr`, `only-quantized-top1`, … | `data-node`, `data-position`; figures: `data-value` |
//! | `search-goal`, `search-limit`, `search-weight-bits`, `search-frames`, `search` | what is searched, and the button | |
//! | `search-results` | what was tried | `data-value` (how many), `data-status` (`searching`, `finished`, `stopped`) |
//! | `trial` | a recipe that was tried, the latest first; `use-trial` in it | `data-bops`, `data-bytes`, `data-drop`, `data-meets` |
//! | `use-recipe` | carries the best recipe out | `data-value` (its short JSON) |
//! | `results` | the comparison | `data-value` (seconds from the button to here), `data-current` (by the present recipe) |
//! | `kept`, `forget-kept` | what the browser keeps of variants and of one's own files | `data-value` (variants) |
//! | `missing-validation`, … | frames that were open in the last visit and found no room | |
//! | `shared` | what has become of a link's variants; in it `shared-file`, `train-shared`, `shared-again`, `shared-asks` (and there `shared-network`, `shared-model`, `shared-frames`, `shared-frames-folder`, `shared-training`, `shared-training-folder`), `close-shared` | `data-value` (those with the link's bytes), `data-status` (`under-way`, `same`, `differs`); files: `data-status` (`waiting`, `making`, `same`, `other`, `not-made`), `data-value` (the link's SHA-256) |
//! | `latencies` | their distribution; in it a `latency-strip` for each network | `data-status` (`timing`, `timed`); strips: `data-model`, `data-value` (samples) |
//! | `why-{term}`, `term-{term}` | asks for an explanation, which the browser shows above all else | |
//! | `keys-button`, `keys` | the list of keys, also at `?` | |
//! | `tour-offer`, `tour-start`, `tour-no`, `tour`, `tour-next`, `tour-end` | the tour, which begins when it is asked for | `data-value` (the stop, from 0) |
//! | `trade-off` | the chart of score against cost; in it `spot`, `trial-spot`, `trade-off-won`, `trade-off-cost` | `data-value` (points) |
//! | `verdict`, `verdict-tracks`, `verdict-drive`, `short-verdict` | the comparison in a sentence; what was driven, on many tracks and on the stage; and at the button | |
//! | `unsteady` | that latencies are hardly known, where the machine did other work | |
//! | `caution`, `judged-by-calibration` | that float itself says nothing of the labels; that the frames judged on set the ranges | |
//! | `nothing-compared`, `judged-otherwise` | says that nothing is measured yet, or that the outputs say something else since | |
//! | `compare-table` | every variant that is shown | `data-value` (columns) |
//! | `measure-all`, `drive-all`, `only-differences`, `show-hidden`, `undo`, `copy-markdown`, `copy-csv`, `copy-json`, `save-html`, `save-markdown`, `save-csv` | what can be done with it | |
//! | `more-formats` | the fold with a variant's files for other tools | |
//! | `copy-link-of-all` | a link that makes all variants again | `data-value` (what stands behind its `#`) |
//! | `report-float`, `report-int8`, … | a column of the table, by variant; in it `rename`, below it `open-variant`, `copy-command-of`, `download-of`, `save-recipe`, `save-overrides`, `save-times`, `pin`, `hide`, `remove` | `data-model`: an id as above; the first int8 network made of it is `{id}-int8`, the next `{id}-int8-2` |
//! | `file-bytes`, `weight-bytes`, `gzip-bytes`, `params`, `macs`, `flops`, `bops`, `latency`, `latency-p90`, `cold`, `session-bytes`, `accuracy`, `agreement`, `mcnemar`, `speedup`, `mae`, `from-float`, `return` | a figure of the table; `sort-{figure}` sorts the columns | `data-model`, `data-value`; with an interval `data-low`, `data-high` |
//! | `times` | where the time goes | `data-value` (layers) |
//! | `kernels` | what computed | `data-value` (`simd128`, `relaxed-simd`) |
//! | `layer-time`, `time-rest`, `time-total` | its rows; in each `time-ms` and `time-gmacs` of every network, and `time-speedup` | `data-node`; figures: `data-model`, `data-value` |
//! | `sort-time-node`, `sort-time-speedup`, … | its headings that sort | |
//! | `confusion` | a confusion matrix; in it `confusion-cell` | `data-model`, `data-value` (JSON) |
//! | `left-in-float` | the nodes left in float, and why | `data-value` (how many) |
//! | `drive` | the stage | `data-track`, `data-value` (steps shown) |
//! | `car` | a car on it; in it `look` | `data-model`, `data-steps`, `data-value` (return), `data-status` (`driving`, `finished`, `outside`, `out-of-time`, `fault`) |
//! | `stage-play`, `stage-step`, `stage-restart`, `stage-pace`, `stage-track`, `stage-next`, `stage-beside`, `take-the-wheel`, `hold-{label}` | its controls; the last are pressed to drive by hand | |
//! | `drive-words` | what happens on it, in words | |
//! | `wheel-form` | what the numbers of an opened network set; in it `sets-{i}`, `factor-{i}`, `target-speed` | |
//! | `looked` | one picture; in it `looked-answer`, `looked-apart`, `cover`, `looked-class`, `add-looked`, `close-looked` | answers: `data-model` |
//! | `covered` | what covering its patches changes | `data-value` (patches so far) |
//! | `own-frames` | frames driven by hand; in it `own-train`, `own-save`, `own-save-folders`, `own-save-values`, `own-forget` | `data-value` (how many) |
//! | `drive-widths`, `drive-subject`, `drive-trial` | drives every width, what was made, what a search has tried | |
//! | `road` | what was driven beside what was answered | |
//! | `road-point` | what was driven; in it `use-driven`, which makes its file | `data-bits`, `data-value` (mean return), `data-tracks` |
//! | `fewest` | the fewest bits that still drive, in a sentence | |
//! | `parting` | where return and accuracy part, in a sentence | |
//! | `data-validation`, `data-calibration` | what is loaded | `data-value` (frames), `data-status` (`empty`, `loading`, `ready`) |
//! | `open-validation`, `open-calibration` | file inputs; `…-folder`: folder inputs | |
//! | `bundled-validation`, `bundled-calibration` | back to the bundled frames | |
//! | `cancel-validation`, `cancel-calibration` | stops loading | |
//! | `found`, `data-note`, `label-rows` | where frames and labels were found, what was left out, and the first of them | |
//! | `preprocessing`, `mean`, `std`, `to-network`, `color` | the fold with it, and how a person's own frames enter | |
//! | `labelling`, `all-cameras` | the fold with where their labels lie, and whether side cameras count | |
//! | `task-{name}`, `bins-{name}`, `tolerance` | what the outputs say, and what is near enough | |
//! | `entering`, `entering-numbers`, `doubt` | what the network gets, and what looks wrong about it | |
//! | `values`, `show-worst` | a value over the frames, and its worst ones | `data-name` |
//! | `train-epochs`, `train-frames`, `train-rate` | how a network is trained | |
//! | `training` | how far it is; in it `pace`, `finish-training`, `resume-training`, `discard-training` | `data-status`, `data-value` (epochs), `data-kept` |
//! | `notice` | an error; `dismiss` in it takes it away | |

pub mod answers;
pub mod catalogue;
pub mod driving;
pub mod format;
pub mod histogram;
pub mod layer_order;
pub mod layer_times;
pub mod link;
pub mod options;
pub mod place;
pub mod presets;
pub mod sorting;
pub mod state;
pub mod table;
pub mod terms;
pub mod trade_off;
pub mod value_frames;
#[cfg(feature = "page")]
pub mod view;
