//! Lists in pages, by key and not by offset: what comes and goes between two pages shifts nothing.

use uuid::Uuid;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The `next` of the page before, or none for the first page.
    pub after: Option<Uuid>,
    /// Items at most, above zero.
    pub limit: u32,
}

impl PageRequest {
    /// Rows to show have a smaller id than this: lists go from the newest to the oldest.
    pub(super) fn before(self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// Rows to ask for: one more than is shown, which tells whether there is another page.
    pub(super) fn rows_to_fetch(self) -> i64 {
        i64::from(self.limit) + 1
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next: Option<Uuid>,
}

impl<T> Page<T> {
    /// Cuts off the row too many and remembers the last one shown.
    pub(super) fn cut(mut items: Vec<T>, request: PageRequest, id: impl Fn(&T) -> Uuid) -> Self {
        let limit = request.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(id) } else { None };
        Self { items, next }
    }

    /// The same page of something else, if every item can be that.
    pub(super) fn try_map<U, E>(
        self,
        convert: impl FnMut(T) -> Result<U, E>,
    ) -> Result<Page<U>, E> {
        let items = self
            .items
            .into_iter()
            .map(convert)
            .collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            next: self.next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(rows: u128, limit: u32) -> Page<Uuid> {
        let request = PageRequest { after: None, limit };
        let rows = (1..=rows).map(Uuid::from_u128).collect();
        Page::cut(rows, request, |id| *id)
    }

    #[test]
    fn the_row_too_many_is_not_shown_but_announces_a_next_page() {
        let page = page_of(3, 2);
        assert_eq!(page.items, [Uuid::from_u128(1), Uuid::from_u128(2)]);
        assert_eq!(page.next, Some(Uuid::from_u128(2)));
    }

    #[test]
    fn a_page_that_is_just_full_is_the_last() {
        assert_eq!(page_of(2, 2).next, None);
        assert_eq!(page_of(0, 2).next, None);
    }
}
