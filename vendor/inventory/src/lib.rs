//! Registries that are full before `main`, in place of the crate `inventory`
//! (`[patch.crates-io]`), less tract's transformations of whole networks.
//!
//! What is registered is linked, called or not. One of those transformations reads NNEF, tract's
//! own format, with a parser and all of its operators; others make networks of half floats or of
//! batches. A program asks for them by name; ours asks for none, and they would be a twentieth of
//! the worker that every visitor loads.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

/// What is registered, of one type.
#[derive(Debug)]
pub struct Registry<T: 'static>(Mutex<Vec<&'static T>>);

impl<T> Registry<T> {
    #[expect(clippy::new_without_default, reason = "a default is no constant")]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// WebAssembly's linker may have it called more than once.
    pub fn add(&self, value: &'static T) {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !values.iter().any(|known| std::ptr::eq(*known, value)) {
            values.push(value);
        }
    }

    fn values(&self) -> Vec<&'static T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A type that has a registry; [`collect`] makes it one.
pub trait Collect: Sync + Sized + 'static {
    fn registry() -> &'static Registry<Self>;
}

#[macro_export]
macro_rules! collect {
    ($ty:ty) => {
        impl $crate::Collect for $ty {
            fn registry() -> &'static $crate::Registry<Self> {
                static REGISTRY: $crate::Registry<$ty> = $crate::Registry::new();
                &REGISTRY
            }
        }
    };
}

/// Registers a constant of a type that was collected.
#[macro_export]
macro_rules! submit {
    (ModelTransformFactory $fields:tt) => {};
    ($tract_core:ident::transform::ModelTransformFactory $fields:tt) => {};
    ($($value:tt)*) => {
        const _: () = {
            extern "C" fn submit() {
                $crate::submit(const { &{ $($value)* } });
            }

            #[used]
            #[cfg_attr(windows, link_section = ".CRT$XCU")]
            #[cfg_attr(
                target_vendor = "apple",
                link_section = "__DATA,__mod_init_func,mod_init_funcs"
            )]
            #[cfg_attr(not(any(windows, target_vendor = "apple")), link_section = ".init_array")]
            static SUBMIT: extern "C" fn() = submit;
        };
    };
}

pub fn submit<T: Collect>(value: &'static T) {
    T::registry().add(value);
}

type Values<T> = std::vec::IntoIter<&'static T>;

fn values<T: Collect>() -> Values<T> {
    T::registry().values().into_iter()
}

mod value {
    pub use super::Iter::iter;
}
pub use value::iter;

/// `iter::<T>` is a value that is iterated over, and one that is called.
pub enum Iter<T> {
    #[allow(non_camel_case_types)]
    iter,
    #[doc(hidden)]
    Never(Infallible, PhantomData<T>),
}

impl<T: Collect> IntoIterator for Iter<T> {
    type Item = &'static T;
    type IntoIter = Values<T>;

    fn into_iter(self) -> Self::IntoIter {
        values()
    }
}

impl<T: Collect> Deref for Iter<T> {
    type Target = fn() -> Values<T>;

    fn deref(&self) -> &Self::Target {
        &(values as fn() -> Values<T>)
    }
}

#[cfg(test)]
mod tests {
    struct Name(&'static str);
    crate::collect!(Name);
    crate::submit! { Name("a") }
    crate::submit! { Name("b") }

    mod transform {
        pub(super) struct ModelTransformFactory {}
    }
    use transform::ModelTransformFactory;
    crate::submit! { ModelTransformFactory {} }
    crate::submit! { crate::transform::ModelTransformFactory {} }

    #[test]
    fn what_was_submitted_is_there_once() {
        crate::submit(crate::iter::<Name>().next().expect("a name"));
        let mut names: Vec<&str> = crate::iter::<Name>.into_iter().map(|name| name.0).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b"]);
        let _ = ModelTransformFactory {};
    }
}
