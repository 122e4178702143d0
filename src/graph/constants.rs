//! A network's constants by name.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;

use super::Tensor;

/// Constants, which copies of a network share until one of them changes its own: an analysis holds a
/// copy for every layer and width.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constants(BTreeMap<String, Arc<Tensor>>);

impl Constants {
    /// The constant of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name).map(Arc::as_ref)
    }

    /// The constant of that name, as copies of the network share it.
    pub(crate) fn shared(&self, name: &str) -> Option<Arc<Tensor>> {
        self.0.get(name).cloned()
    }

    /// To change it, for this network alone.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        self.0.get_mut(name).map(Arc::make_mut)
    }

    /// Whether there is a constant of that name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes the place of one of the same name.
    pub fn insert(&mut self, name: String, tensor: Tensor) {
        self.0.insert(name, Arc::new(tensor));
    }

    /// Lets go of those whose names `keep` refuses.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name, tensor.as_ref()))
    }

    /// All names, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// All constants, in the order of their names.
    pub fn values(&self) -> impl Iterator<Item = &Tensor> {
        self.0.values().map(Arc::as_ref)
    }
}

impl Index<&str> for Constants {
    type Output = Tensor;

    /// # Panics
    /// If there is none of that name.
    fn index(&self, name: &str) -> &Tensor {
        &self.0[name]
    }
}

impl Extend<(String, Tensor)> for Constants {
    fn extend<I: IntoIterator<Item = (String, Tensor)>>(&mut self, constants: I) {
        self.0.extend(constants.into_iter().map(|(name, tensor)| (name, Arc::new(tensor))));
    }
}

impl FromIterator<(String, Tensor)> for Constants {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(constants: I) -> Self {
        let mut all = Self::default();
        all.extend(constants);
        all
    }
}
