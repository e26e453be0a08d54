package liuhen.context;

/**
 * What the request at hand is for: under which grant, for which purpose, and for whom. It belongs to the thread that serves the request; the filter
 * sets and clears it, and so may an application that has no servlets.
 */
public final class Context {
    /** Longer names than the ledger knows are cut off by nobody: they are not taken. */
    private static final int LONGEST = 128;

    private static final ThreadLocal<Context> CURRENT = new ThreadLocal<>();

    /** Nothing is known. */
    public static final Context NONE = new Context(null, null, null);

    private final String grant;
    private final String purpose;
    private final String user;

    /** Each may be null, for unknown; what is too long, or has control characters, is taken for unknown. */
    public Context(String grant, String purpose, String user) {
        this.grant = plain(grant);
        this.purpose = plain(purpose);
        this.user = plain(user);
    }

    /** Of the request at hand. */
    public static Context current() {
        Context context = CURRENT.get();
        return context == null ? NONE : context;
    }

    /** From now on on this thread; null: none. */
    public static void set(Context context) {
        if (context == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(context);
        }
    }

    /** The grant's reference, or null. */
    public String grant() {
        return grant;
    }

    /** The purpose's code, or null. */
    public String purpose() {
        return purpose;
    }

    /** Who is behind the system, or null. */
    public String user() {
        return user;
    }

    private static String plain(String text) {
        if (text == null || text.isEmpty() || text.length() > LONGEST) {
            return null;
        }
        for (int at = 0; at < text.length(); at++) {
            if (Character.isISOControl(text.charAt(at))) {
                return null;
            }
        }
        return text;
    }
}
