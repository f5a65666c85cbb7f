/** Prints the rows of src/feature/lower.c: what Java makes of each character in lower case.
  *
  *   java Lower.java      (Java 17)
  */
public class Lower {
    public static void main(String[] arguments) {
        int first = -1, last = -1, step = 1, delta = 0;
        for (int c = 0x80; c <= 0x10FFFF; c++) {
            int lower = Character.toLowerCase(c);
            if (lower == c || c == 0x130) continue; // U+0130 becomes two characters
            boolean next = first >= 0 && lower - c == delta
                && (last == first ? c - last <= 2 : c - last == step);
            if (next) {
                step = c - last;
                last = c;
                continue;
            }
            print(first, last, step, delta);
            first = last = c;
            step = 1;
            delta = lower - c;
        }
        print(first, last, step, delta);
    }

    static void print(int first, int last, int step, int delta) {
        if (first >= 0) System.out.printf("    {0x%04X, 0x%04X, %d, %d},%n", first, last, step, delta);
    }
}
