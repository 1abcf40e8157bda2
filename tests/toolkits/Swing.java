import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import javax.swing.*;
import javax.swing.event.*;

/** A text area of Swing that writes what it holds to a file: Swing.java FILE. */
public class Swing {
	static void keep(String file, String text) {
		try {
			Path next = Path.of(file + ".new");
			Files.write(next, text.getBytes(StandardCharsets.UTF_8));
			Files.move(next, Path.of(file), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
		} catch (java.io.IOException e) {
			throw new java.io.UncheckedIOException(e);
		}
	}

	public static void main(String[] args) {
		SwingUtilities.invokeLater(() -> {
			JTextArea area = new JTextArea(20, 60);
			area.getDocument().addDocumentListener(new DocumentListener() {
				public void insertUpdate(DocumentEvent e) { keep(args[0], area.getText()); }
				public void removeUpdate(DocumentEvent e) { keep(args[0], area.getText()); }
				public void changedUpdate(DocumentEvent e) { }
			});
			JFrame frame = new JFrame("swing");
			frame.add(area);
			frame.pack();
			frame.setDefaultCloseOperation(JFrame.EXIT_ON_CLOSE);
			frame.setVisible(true);
			area.requestFocusInWindow();
			keep(args[0], "");
		});
	}
}
