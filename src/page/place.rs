//! The places of the page, each with an address of its own.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// The cars, the networks, the recipe and the button.
    #[default]
    Drive,
    /// Every variant beside the others.
    Compare,
    /// What each layer loses, and the search.
    Layers,
    /// The validation frames, and what is said of them.
    Frames,
    Train,
    Data,
}

impl Place {
    pub const ALL: [Self; 6] =
        [Self::Drive, Self::Compare, Self::Layers, Self::Frames, Self::Train, Self::Data];

    /// As the address has it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Drive => "drive",
            Self::Compare => "compare",
            Self::Layers => "layers",
            Self::Frames => "frames",
            Self::Train => "train",
            Self::Data => "data",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Drive => "Drive",
            Self::Compare => "Compare",
            Self::Layers => "Layers",
            Self::Frames => "Frames",
            Self::Train => "Train",
            Self::Data => "Data",
        }
    }

    /// What can be done there; a drive says so itself.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Drive => "",
            Self::Compare => {
                "Every variant of the chosen network beside the others, a column each."
            }
            Self::Layers => "Which layer loses what, and the recipe that loses the least.",
            Self::Frames => "The validation frames, and what every variant says of each.",
            Self::Train => "Train the network for its quantization, and win back what was lost.",
            Self::Data => "The frames that calibrate, measure and train; yours, if you like.",
        }
    }

    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.id() == id)
    }

    pub const fn at(self) -> usize {
        self as usize
    }
}
