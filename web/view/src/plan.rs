//! How to find a template's places: steps from one to the next, as a browser walks a tree.

/// Where the walk is, and how it came there.
#[derive(Default)]
pub struct Plan {
    written: String,
    /// The node that is being written: at each depth below the root, which child it is.
    here: Vec<Child>,
    /// Where the last place was.
    last: Vec<usize>,
}

/// How many nodes an element has so far, and whether the last one is a text: texts side by
/// side are one node.
#[derive(Clone, Copy, Default)]
struct Child {
    count: usize,
    is_text: bool,
}

impl Plan {
    pub fn enter(&mut self) {
        self.here.push(Child::default());
    }

    pub fn leave(&mut self) {
        self.here.pop();
    }

    pub fn node(&mut self) {
        self.count(false);
    }

    pub fn text(&mut self) {
        self.count(true);
    }

    fn count(&mut self, is_text: bool) {
        let child = self.here.last_mut().expect("a child stands in an element");
        if !(is_text && child.is_text) {
            child.count += 1;
        }
        child.is_text = is_text;
    }

    /// A place at the node that is being written.
    pub fn place(&mut self, kind: char, name: &str) {
        let here: Vec<usize> = self.here.iter().map(|child| child.count - 1).collect();
        self.written.push_str(&steps(&self.last, &here));
        self.last = here;
        self.written.push(kind);
        self.written.push_str(name);
        self.written.push(';');
    }

    /// The root is an element of SVG.
    pub fn is_of_svg(&mut self) {
        self.written.insert(0, '$');
    }

    pub fn written(self) -> String {
        self.written
    }
}

/// `<` to the parent, `>` to the first child, `+` to the next sibling.
fn steps(from: &[usize], to: &[usize]) -> String {
    let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let mut steps = String::new();
    let mut depth = common;
    if from.len() > common {
        steps.push_str(&"<".repeat(from.len() - common - 1));
        steps.push_str(&"+".repeat(to[common] - from[common]));
        depth += 1;
    }
    for child in &to[depth..] {
        steps.push('>');
        steps.push_str(&"+".repeat(*child));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_goes_on_from_the_last_place() {
        assert_eq!(steps(&[], &[]), "");
        assert_eq!(steps(&[], &[2, 0]), ">++>");
        assert_eq!(steps(&[2, 0, 1], &[2, 3]), "<+++");
        assert_eq!(steps(&[1, 1], &[3]), "<++");
        assert_eq!(steps(&[1], &[1]), "", "two places at one node");
    }

    #[test]
    fn texts_side_by_side_are_one_node() {
        let mut plan = Plan::default();
        plan.place('a', "id");
        plan.enter();
        plan.text();
        plan.text();
        plan.node();
        plan.place('v', "");
        plan.leave();
        assert_eq!(plan.written(), "aid;>+v;");
    }
}
