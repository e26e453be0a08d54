package liuhen.context;

import java.io.UnsupportedEncodingException;
import java.net.URLEncoder;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** How a database's log gets to know the context. */
enum Way {
    /**
     * As a comment before each statement, in the form of sqlcommenter: any database logs it with the text. A statement of another context is another
     * text, so caches of prepared statements hold less.
     */
    COMMENT,
    /** As settings of the session, sent where they changed: PostgreSQL alone. The text of statements stays as it is. */
    SETTING;

    /** By the system property `liuhen.way`; a comment where nothing is said. Another word is an error: a slip changes nothing unseen. */
    static Way ofProperty() throws SQLException {
        String said = System.getProperty("liuhen.way", "comment");
        switch (said) {
            case "comment":
                return COMMENT;
            case "setting":
                return SETTING;
            default:
                throw new SQLException("liuhen.way: comment or setting is wanted, not " + said);
        }
    }

    /** The statement's text with the context before it; within the braces of `{call …}`. */
    static String commented(String sql, Context context) {
        List<String> parts = new ArrayList<>();
        part(parts, "liuhen_grant", context.grant());
        part(parts, "liuhen_purpose", context.purpose());
        part(parts, "liuhen_user", context.user());
        if (parts.isEmpty()) {
            return sql;
        }
        String comment = "/*" + String.join(",", parts) + "*/";
        int end = sql.lastIndexOf('}');
        if (sql.trim().startsWith("{") && end > 0) {
            // A driver knows JDBC's way to write a call by its first character and its last.
            return sql.substring(0, end) + " " + comment + sql.substring(end);
        }
        return comment + " " + sql;
    }

    private static void part(List<String> parts, String name, String value) {
        if (value == null) {
            return;
        }
        try {
            // Encoded it has neither quotes nor the end of a comment in it.
            parts.add(name + "='" + URLEncoder.encode(value, "UTF-8").replace("+", "%20").replace("*", "%2A") + "'");
        } catch (UnsupportedEncodingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** What sets a session's context. */
    static String settings(Context context) {
        return "SET liuhen.\"grant\" = " + quoted(context.grant())
            + "; SET liuhen.purpose = " + quoted(context.purpose())
            + "; SET liuhen.\"user\" = " + quoted(context.user());
    }

    private static String quoted(String value) {
        String text = value == null ? "" : value;
        String quotes = text.replace("'", "''");
        return text.indexOf('\\') < 0 ? "'" + quotes + "'" : "E'" + quotes.replace("\\", "\\\\") + "'";
    }
}
