//! Finds a payload in a picture: PNG or JPEG, a drawing or a photograph. If the code cannot be read, the
//! picture is tried in other sizes, inverted, sharpened and blurred. Nothing is guessed: a code corrects
//! its own errors, or is not read.
//!
//! Measured on distorted drawings, 400 on which the treatments below were chosen and 400 others, of which
//! neither library misread one: rqrr alone reads 280 and 272, treated 380 and 372; rxing alone 350 and
//! 353, with the same treatments 392 and 390. rqrr is here because it is 5000 lines and not 85,000, and reads
//! enough. If that changes, only `decode_codes` has to.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageFormat, ImageReader, Limits, LumaA};
use rqrr::PreparedImage;
use thiserror::Error;

use super::device::SingleDevice;
use super::payload::{Payload, PayloadError};
use crate::secret::Secret;

/// Why no payload was read from a picture.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PictureError {
    /// Its format is not that of its first bytes, or its end is missing.
    #[error("the picture cannot be decoded")]
    Broken {
        /// The library's message.
        cause: String,
    },
    /// It is larger than a camera's.
    #[error("a picture of {width} × {height} pixels is too large")]
    TooLarge {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// No code was found.
    #[error("the picture has no QR code that can be read")]
    NoCode,
    /// It has the codes of several devices, and espctl does not choose.
    #[error("the picture has the codes of several devices")]
    Several,
    /// It has a code whose text is not a payload.
    #[error("the QR code in the picture: {0}")]
    NoPayload(#[from] PayloadError),
}

/// Whether these are the first bytes of a picture.
pub fn is_picture(bytes: &[u8]) -> bool {
    format_of(bytes).is_some()
}

/// Reads the payload in a PNG or JPEG. Other codes in the picture are ignored.
pub fn read(bytes: &[u8]) -> Result<Payload, PictureError> {
    let picture = decode(bytes)?;
    let mut other = None;
    for variants in variants(&picture) {
        let mut device = SingleDevice::default();
        // Both of a pair, because a second code may be inverted.
        for text in variants.iter().flat_map(decode_codes) {
            match Payload::read(text.expose()) {
                Ok(new) => device.add(new).map_err(|_| PictureError::Several)?,
                Err(error) => other = other.or(Some(error)),
            }
        }
        if let Some(payload) = device.into_payload() {
            return Ok(payload);
        }
    }
    Err(other.map_or(PictureError::NoCode, PictureError::NoPayload))
}

fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(bytes).ok()?;
    matches!(format, ImageFormat::Png | ImageFormat::Jpeg).then_some(format)
}

/// Decodes a picture in gray. Transparent pixels are white, as on paper.
fn decode(bytes: &[u8]) -> Result<DynamicImage, PictureError> {
    let broken = |error: &dyn std::fmt::Display| PictureError::Broken {
        cause: error.to_string(),
    };
    let Some(format) = format_of(bytes) else {
        return Err(broken(&"neither PNG nor JPEG"));
    };
    let reader = || ImageReader::with_format(Cursor::new(bytes), format);
    let (width, height) = reader().into_dimensions().map_err(|error| broken(&error))?;
    if u64::from(width).saturating_mul(u64::from(height)) > MAX_PIXELS {
        return Err(PictureError::TooLarge { width, height });
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = reader();
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| broken(&error))?;
    if !picture.color().has_alpha() {
        return Ok(DynamicImage::from(picture.to_luma8()));
    }
    let mut paper = GrayAlphaImage::from_pixel(width, height, LumaA([u8::MAX; 2]));
    imageops::overlay(&mut paper, &picture.to_luma_alpha8(), 0, 0);
    Ok(DynamicImage::from(DynamicImage::from(paper).into_luma8()))
}

/// The picture in the sizes and treatments in which its code may be readable, the likeliest first, each
/// as it is and inverted.
fn variants(picture: &DynamicImage) -> impl Iterator<Item = [GrayImage; 2]> {
    let longest = picture.width().max(picture.height()).max(1);
    let as_it_is = [longest.min(SIZES.iter().copied().max().unwrap_or(longest))];
    let smaller = SIZES.into_iter().filter(move |size| *size < longest);
    let larger = [longest.saturating_mul(2)]
        .into_iter()
        .filter(|size| *size < MAX_ENLARGED);
    let sizes = as_it_is.into_iter().chain(smaller).chain(larger);
    sizes.flat_map(move |size| {
        let resized = if size == longest {
            picture.clone()
        } else {
            picture.resize(size, size, FilterType::Triangle)
        };
        TREATMENTS.into_iter().map(move |treat| {
            let treated = treat(&resized);
            let mut inverted = treated.clone();
            inverted.invert();
            [treated.into_luma8(), inverted.into_luma8()]
        })
    })
}

/// Decodes the codes in a picture.
fn decode_codes(picture: &GrayImage) -> Vec<Secret<String>> {
    let side = |length: u32| usize::try_from(length).unwrap_or_default();
    let mut pixels = picture.as_raw().iter().copied();
    // The library reads row by row, each pixel once.
    let mut prepared = PreparedImage::prepare_from_greyscale(
        side(picture.width()),
        side(picture.height()),
        |_, _| pixels.next().unwrap_or(u8::MAX),
    );
    let grids = prepared.detect_grids();
    let texts = grids.iter().filter_map(|grid| grid.decode().ok());
    texts.map(|(_, text)| Secret::new(text)).collect()
}

/// How a picture is changed, the likeliest first: blurring helps against noise and the pattern of a
/// screen, sharpening against blur. The deviations of the filters are in pixels.
const TREATMENTS: [fn(&DynamicImage) -> DynamicImage; 4] = [
    DynamicImage::clone,
    |picture| picture.fast_blur(1.0),
    |picture| picture.unsharpen(3.0, 0),
    |picture| picture.fast_blur(2.0),
];
/// Longest sides to try, in pixels: the code of a label does not need more.
const SIZES: [u32; 3] = [1600, 900, 450];
/// The longest side to which a small picture is enlarged, in pixels.
const MAX_ENLARGED: u32 = 1200;
/// More than a phone camera's picture has.
const MAX_PIXELS: u64 = 120_000_000;
/// Bytes for as many pixels in color.
const MAX_MEMORY: u64 = 4 * MAX_PIXELS;
